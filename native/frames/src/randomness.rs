//! The randomness of a PoSt as the chain gives it, masked to a field element.

use std::fmt;

use crate::{from_hex, Word};

/// 32 bytes whose two top bits are zero, hence a field element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Randomness(Word);

/// Why a text is no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RandomnessError {
    /// Not 64 hexadecimal characters.
    NotHex,
    /// `bytes[31] & 0xc0` is not zero.
    NotMasked,
}

impl Randomness {
    /// Takes 64 hexadecimal characters. Unmasked bytes are refused instead of being masked: two sides that mask differently would
    /// derive different challenges, and chain, node and worker must have the same 32 bytes.
    pub fn from_hex(text: &str) -> Result<Self, RandomnessError> {
        let word: Word = from_hex(text).ok_or(RandomnessError::NotHex)?;
        Self::from_bytes(word)
    }

    /// Takes 32 bytes, masked already.
    pub fn from_bytes(word: Word) -> Result<Self, RandomnessError> {
        if word[31] & 0xc0 != 0 {
            return Err(RandomnessError::NotMasked);
        }
        Ok(Self(word))
    }

    /// The bytes.
    pub fn bytes(&self) -> &Word {
        &self.0
    }
}

impl fmt::Display for RandomnessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHex => f.write_str("randomness is not 64 hexadecimal characters"),
            Self::NotMasked => {
                f.write_str("randomness is not masked: byte 31 has one of its two top bits set")
            }
        }
    }
}

impl std::error::Error for RandomnessError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_demanded() {
        let good = "3f".repeat(32);
        assert!(Randomness::from_hex(&good).is_ok());
        for top in ["40", "80", "c0", "ff", "73"] {
            let text = "3f".repeat(31) + top;
            assert_eq!(
                Randomness::from_hex(&text),
                Err(RandomnessError::NotMasked),
                "{top}"
            );
        }
        assert_eq!(
            Randomness::from_hex(&good[2..]),
            Err(RandomnessError::NotHex)
        );
    }
}
