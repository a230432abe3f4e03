//! The resident modes.

pub mod check;
pub mod prove;
pub mod vanilla;
pub mod verify;
