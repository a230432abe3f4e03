//! `scan`: which sectors lie in storage folders.

use serde_json::json;

use super::print;
use crate::arguments::Arguments;
use crate::error::Failure;
use crate::modes::vanilla::holdings;

/// `--storage DIR... --miner N`.
pub fn run(words: &[String]) -> Result<(), Failure> {
    let arguments =
        Arguments::parse(words, &["storage", "miner"], &[]).map_err(Failure::arguments)?;
    let storage = arguments.folders("storage").map_err(Failure::arguments)?;
    let miner = arguments
        .required_number("miner")
        .map_err(Failure::arguments)?;
    print(&json!({"miner": miner, "sectors": holdings(&storage, miner)}));
    Ok(())
}
