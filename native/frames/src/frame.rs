//! Length-prefixed frames: u32 LE total ‖ u32 LE header length ‖ JSON object ‖ body.

use std::fmt;
use std::io::{self, Read, Write};

use serde_json::{Map, Value};

use crate::limits::{FRAME_BYTES_MAX, HEADER_BYTES_MAX};

/// One message of either direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The JSON object.
    pub header: Map<String, Value>,
    /// Raw bytes, may be empty.
    pub body: Vec<u8>,
}

/// Why a stream cannot be read further.
#[derive(Debug)]
pub enum FrameError {
    /// The announced length is above the bound, or too small to hold the header length.
    FrameLength(u32),
    /// The announced header length is above the bound or above the frame's.
    HeaderLength(u32),
    /// The stream ended inside a frame.
    Truncated,
    /// The header is not JSON in UTF-8.
    Json(serde_json::Error),
    /// The header is JSON, but no object.
    NotAnObject,
    /// Reading failed.
    Io(io::Error),
}

impl FrameError {
    /// The code of the `fatal` frame.
    pub fn code(&self) -> &'static str {
        match self {
            Self::FrameLength(_) => "frame-too-long",
            Self::HeaderLength(_) => "header-too-long",
            Self::Truncated => "frame-truncated",
            Self::Json(_) => "bad-json",
            Self::NotAnObject => "bad-header",
            Self::Io(_) => "io",
        }
    }
}

/// Reads one frame; `None` if the stream ends before its first byte.
///
/// Memory grows with the bytes that arrive, never with the length that is announced.
pub fn read_frame<R: Read>(reader: &mut R) -> Result<Option<Frame>, FrameError> {
    let Some(total) = read_u32_or_end(reader)? else {
        return Ok(None);
    };
    let length = total as usize;
    if !(4..=FRAME_BYTES_MAX).contains(&length) {
        return Err(FrameError::FrameLength(total));
    }
    let header_length = read_u32_or_end(reader)?.ok_or(FrameError::Truncated)?;
    if header_length as usize > HEADER_BYTES_MAX.min(length - 4) {
        return Err(FrameError::HeaderLength(header_length));
    }
    let header = read_bytes(reader, header_length as usize)?;
    let body = read_bytes(reader, length - 4 - header_length as usize)?;
    match serde_json::from_slice(&header).map_err(FrameError::Json)? {
        Value::Object(header) => Ok(Some(Frame { header, body })),
        _ => Err(FrameError::NotAnObject),
    }
}

/// Writes one frame and leaves flushing to the caller.
///
/// # Panics
/// If the frame is longer than its bounds: the worker's own answers never are.
pub fn write_frame<W: Write>(
    writer: &mut W,
    header: &Map<String, Value>,
    body: &[u8],
) -> io::Result<()> {
    let header = serde_json::to_vec(header)?;
    let total = 4 + header.len() + body.len();
    assert!(header.len() <= HEADER_BYTES_MAX && total <= FRAME_BYTES_MAX);
    writer.write_all(&(total as u32).to_le_bytes())?;
    writer.write_all(&(header.len() as u32).to_le_bytes())?;
    writer.write_all(&header)?;
    writer.write_all(body)
}

fn read_u32_or_end<R: Read>(reader: &mut R) -> Result<Option<u32>, FrameError> {
    let mut bytes = [0; 4];
    let mut filled = 0;
    while filled < bytes.len() {
        match reader.read(&mut bytes[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(FrameError::Truncated),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(FrameError::Io(error)),
        }
    }
    Ok(Some(u32::from_le_bytes(bytes)))
}

fn read_bytes<R: Read>(reader: &mut R, length: usize) -> Result<Vec<u8>, FrameError> {
    let mut bytes = Vec::new();
    let count = reader
        .take(length as u64)
        .read_to_end(&mut bytes)
        .map_err(FrameError::Io)?;
    if count < length {
        return Err(FrameError::Truncated);
    }
    Ok(bytes)
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrameLength(length) => write!(
                f,
                "a frame announces {length} bytes, allowed are 4 to {FRAME_BYTES_MAX}"
            ),
            Self::HeaderLength(length) => write!(
                f,
                "a header announces {length} bytes, allowed are the frame's and {HEADER_BYTES_MAX}"
            ),
            Self::Truncated => f.write_str("the stream ended inside a frame"),
            Self::Json(error) => write!(f, "the header is not JSON: {error}"),
            Self::NotAnObject => f.write_str("the header is no JSON object"),
            Self::Io(error) => write!(f, "reading failed: {error}"),
        }
    }
}

impl std::error::Error for FrameError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}
