//! The one-shot commands.

pub mod params;
pub mod sample_vanilla;
pub mod scan;
pub mod seal;
pub mod self_test;
pub mod version;

use std::process::ExitCode;

use serde_json::{json, Value};

use crate::error::Failure;

/// Runs a command; a failure is printed as JSON on stdout, where a script looks for it, and ends with exit code 1.
pub fn run(words: &[String], command: fn(&[String]) -> Result<(), Failure>) -> ExitCode {
    match command(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            print(&json!({"error": failure.to_json()}));
            ExitCode::from(1)
        }
    }
}

/// One line on stdout.
pub fn print(line: &Value) {
    println!("{line}");
}
