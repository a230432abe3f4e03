//! `poster-native`: opens, checks, proves and verifies proofs of spacetime for poster-node.
//!
//! Resident modes speak frames over stdin and stdout, one-shot commands print JSON lines. `docs/native-protocol.md` is the contract.

mod arguments;
mod commands;
mod error;
mod job_error;
mod kernel_engine;
mod key_folder;
mod logger;
mod modes;
mod output;
mod own_engine;
mod request;
mod resident;
mod system;

use std::env;
use std::process::ExitCode;

const USAGE: &str = "usage: poster-native COMMAND
resident modes (frames on stdin and stdout, see docs/native-protocol.md):
  vanilla --storage DIR... [--threads N]
  check [--threads N]
  prove --params DIR [--test-params] [--threads N] [--engine auto|stock|own] [--own-dir DIR] [--gpu]
  verify --params DIR [--test-params] [--threads N]
one-shot commands (JSON lines on stdout):
  scan --storage DIR... --miner N
  params generate-test --dir DIR [--size 2KiB|8MiB|512MiB] [--kind window|winning|both] [--seed N]
  params verify --dir DIR [--test]
  seal --out DIR --miner N --size 2KiB|8MiB --sectors 0-7 --seed TEXT [--snap N]
  self-test --params DIR [--test-params] --own-dir DIR --proof-type N [--gpu]
  sample-vanilla --proof-type N --out FILE
  version --json";

fn main() -> ExitCode {
    logger::install();
    let words: Vec<String> = env::args().skip(1).collect();
    let (command, rest) = match words.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("", &[][..]),
    };
    match command {
        "vanilla" => resident::start(rest, modes::vanilla::start),
        "check" => resident::start(rest, modes::check::start),
        "prove" => resident::start(rest, modes::prove::start),
        "verify" => resident::start(rest, modes::verify::start),
        "scan" => commands::run(rest, commands::scan::run),
        "params" => commands::run(rest, commands::params::run),
        "seal" => commands::run(rest, commands::seal::run),
        "self-test" => commands::run(rest, commands::self_test::run),
        "sample-vanilla" => commands::run(rest, commands::sample_vanilla::run),
        "version" => commands::run(rest, commands::version::run),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(1)
        }
    }
}
