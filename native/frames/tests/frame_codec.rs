//! The frame codec against broken and hostile streams.

mod common;

use std::io::{self, Read};

use common::Random;
use frames::limits::{FRAME_BYTES_MAX, HEADER_BYTES_MAX};
use frames::{read_frame, write_frame, Frame, FrameError};
use serde_json::{json, Map, Value};

fn frame(header: Value, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_frame(&mut bytes, object(&header), body).unwrap();
    bytes
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

fn prefixed(total: u32, header: u32, rest: &[u8]) -> Vec<u8> {
    [&total.to_le_bytes(), &header.to_le_bytes(), rest].concat()
}

fn error(bytes: &[u8]) -> FrameError {
    read_frame(&mut &bytes[..]).unwrap_err()
}

#[test]
fn round_trip() {
    let header = json!({"type": "blob", "job": 7, "text": "ä\u{0}"});
    let mut stream = frame(header.clone(), b"body");
    stream.extend(frame(json!({}), b""));
    let mut reader = &stream[..];
    let first = read_frame(&mut reader).unwrap().unwrap();
    assert_eq!(
        first,
        Frame {
            header: object(&header).clone(),
            body: b"body".to_vec()
        }
    );
    assert!(read_frame(&mut reader).unwrap().unwrap().header.is_empty());
    assert!(read_frame(&mut reader).unwrap().is_none());
}

#[test]
fn a_stream_may_arrive_byte_by_byte() {
    struct OneByOne<'a>(&'a [u8]);
    impl Read for OneByOne<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(1);
            self.0.read(&mut buffer[..length])
        }
    }
    let stream = frame(json!({"job": 1}), &[9; 300]);
    let read = read_frame(&mut OneByOne(&stream)).unwrap().unwrap();
    assert_eq!(read.body, [9; 300]);
}

#[test]
fn lengths_out_of_bounds() {
    for total in [0, 3, FRAME_BYTES_MAX as u32 + 1, u32::MAX] {
        assert!(
            matches!(error(&prefixed(total, 2, b"{}")), FrameError::FrameLength(found) if found == total),
            "{total}"
        );
    }
    for header in [3, HEADER_BYTES_MAX as u32 + 1, u32::MAX] {
        assert!(
            matches!(error(&prefixed(6, header, b"{}")), FrameError::HeaderLength(found) if found == header),
            "{header}"
        );
    }
    let total = FRAME_BYTES_MAX as u32;
    let long = HEADER_BYTES_MAX as u32 + 1;
    assert!(matches!(
        error(&prefixed(total, long, b"{}")),
        FrameError::HeaderLength(_)
    ));
}

#[test]
fn truncation_at_every_byte() {
    let stream = frame(json!({"type": "blob"}), b"body");
    assert!(read_frame(&mut &stream[..0]).unwrap().is_none());
    for length in 1..stream.len() {
        assert!(
            matches!(error(&stream[..length]), FrameError::Truncated),
            "{length}"
        );
    }
}

#[test]
fn the_largest_announcement_without_bytes_is_a_truncation() {
    assert!(matches!(
        error(&prefixed(FRAME_BYTES_MAX as u32, 2, b"{}")),
        FrameError::Truncated
    ));
}

#[test]
fn headers_that_are_no_object() {
    for text in ["[]", "1", "null", "\"x\""] {
        let bytes = prefixed(4 + text.len() as u32, text.len() as u32, text.as_bytes());
        assert!(matches!(error(&bytes), FrameError::NotAnObject), "{text}");
    }
    for text in [&b"{"[..], b"", b"{}x", b"{\"a\":\xff}", b"{\"a\":NaN}"] {
        let bytes = prefixed(4 + text.len() as u32, text.len() as u32, text);
        assert!(matches!(error(&bytes), FrameError::Json(_)), "{text:?}");
    }
    let deep = "[".repeat(HEADER_BYTES_MAX);
    let bytes = prefixed(4 + deep.len() as u32, deep.len() as u32, deep.as_bytes());
    assert!(matches!(error(&bytes), FrameError::Json(_)));
}

#[test]
fn random_streams_end_without_a_panic() {
    let mut random = Random(1);
    for round in 0..20_000 {
        let mut stream = match round % 3 {
            0 => {
                let length = random.below(200);
                random.bytes(length)
            }
            _ => frame(json!({"type": "blob", "job": round}), b"0123456789"),
        };
        for _ in 0..random.below(4) {
            if !stream.is_empty() {
                let position = random.below(stream.len());
                stream[position] = random.next() as u8;
            }
        }
        let mut reader = &stream[..];
        while let Ok(Some(frame)) = read_frame(&mut reader) {
            assert!(frame.body.len() <= stream.len());
        }
    }
}
