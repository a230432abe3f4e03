//! Requests of the parent: the common fields, and the shared values in them.

use frames::limits::INTEGER_MAX;
use frames::{parse_sector_list, ProofType, Randomness, Sector};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::job_error::{Code, JobError};

/// One frame from the parent, its `type` and `job` taken out.
#[derive(Debug)]
pub struct Request {
    /// The `type` field.
    pub kind: String,
    /// The `job` field.
    pub job: u32,
    /// All fields.
    pub header: Map<String, Value>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The fields of this kind of request.
    pub fn fields<T: DeserializeOwned>(&self) -> Result<T, JobError> {
        serde_json::from_value(Value::Object(self.header.clone()))
            .map_err(|error| JobError::new(Code::BadRequest, error.to_string()))
    }
}

/// Refuses numbers that JSON cannot carry exactly.
pub fn integer(name: &str, value: u64) -> Result<u64, JobError> {
    if value <= INTEGER_MAX {
        return Ok(value);
    }
    Err(JobError::new(
        Code::BadRequest,
        format!("{name} is above 2^53 - 1"),
    ))
}

/// Reads a proof type.
pub fn proof_type(number: u64) -> Result<ProofType, JobError> {
    ProofType::from_number(number)
        .map_err(|error| JobError::new(Code::UnsupportedProofType, error.to_string()))
}

/// Reads randomness.
pub fn randomness(text: &str) -> Result<Randomness, JobError> {
    Randomness::from_hex(text)
        .map_err(|error| JobError::new(Code::BadRandomness, error.to_string()))
}

/// Reads a sector list of at most `max` sectors.
pub fn sectors(bytes: &[u8], max: usize) -> Result<Vec<Sector>, JobError> {
    parse_sector_list(bytes, max)
        .map_err(|error| JobError::new(Code::BadSectorList, error.to_string()))
}
