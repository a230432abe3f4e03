//! What can go wrong in the library.

use std::fmt;

/// Failure of a library call.
#[derive(Debug)]
pub enum CoreError {
    /// The library returned an error; its words, causes included.
    Library(String),
    /// The library panicked; its message.
    Panic(String),
}

impl fmt::Display for CoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Library(reason) => f.write_str(reason),
            Self::Panic(reason) => write!(f, "the proving library panicked: {reason}"),
        }
    }
}

impl std::error::Error for CoreError {}
