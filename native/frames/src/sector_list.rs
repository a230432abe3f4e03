//! The binary list of sectors with their comm_r, as request bodies carry it.

use std::fmt;

use crate::{is_canonical, limits::INTEGER_MAX, Word};

/// Bytes of one entry: u64 LE number ‖ comm_r.
const ENTRY: usize = 40;

/// A sector number and the commitment that the chain holds for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sector {
    /// Sector number, at most 2^53 - 1.
    pub number: u64,
    /// Sealed commitment, a field element.
    pub comm_r: Word,
}

/// Why bytes are no sector list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectorListError {
    /// No sector at all.
    Empty,
    /// The length is no multiple of 40.
    Length(usize),
    /// More sectors than the request allows.
    TooMany {
        /// Sectors in the list.
        found: usize,
        /// Sectors allowed.
        max: usize,
    },
    /// Numbers do not ascend strictly at this position.
    Order(usize),
    /// The number at this position is above 2^53 - 1.
    Number(usize),
    /// The comm_r at this position is no field element.
    CommR(usize),
}

/// Parses a list of 1 to `max` sectors.
pub fn parse_sector_list(bytes: &[u8], max: usize) -> Result<Vec<Sector>, SectorListError> {
    if bytes.is_empty() {
        return Err(SectorListError::Empty);
    }
    if !bytes.len().is_multiple_of(ENTRY) {
        return Err(SectorListError::Length(bytes.len()));
    }
    let found = bytes.len() / ENTRY;
    if found > max {
        return Err(SectorListError::TooMany { found, max });
    }
    let mut sectors: Vec<Sector> = Vec::with_capacity(found);
    for (position, entry) in bytes.chunks_exact(ENTRY).enumerate() {
        let (number, comm_r) = entry.split_at(8);
        let mut sector = Sector {
            number: 0,
            comm_r: [0; 32],
        };
        let mut number_bytes = [0; 8];
        number_bytes.copy_from_slice(number);
        sector.number = u64::from_le_bytes(number_bytes);
        sector.comm_r.copy_from_slice(comm_r);
        if sector.number > INTEGER_MAX {
            return Err(SectorListError::Number(position));
        }
        if sectors
            .last()
            .is_some_and(|last| last.number >= sector.number)
        {
            return Err(SectorListError::Order(position));
        }
        if !is_canonical(&sector.comm_r) {
            return Err(SectorListError::CommR(position));
        }
        sectors.push(sector);
    }
    Ok(sectors)
}

/// The inverse of [`parse_sector_list`]; the caller keeps the order.
pub fn encode_sector_list(sectors: &[Sector]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(sectors.len() * ENTRY);
    for sector in sectors {
        bytes.extend_from_slice(&sector.number.to_le_bytes());
        bytes.extend_from_slice(&sector.comm_r);
    }
    bytes
}

impl fmt::Display for SectorListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the sector list is empty"),
            Self::Length(length) => {
                write!(f, "{length} bytes are no list of entries of {ENTRY} bytes")
            }
            Self::TooMany { found, max } => write!(f, "{found} sectors, at most {max} are allowed"),
            Self::Order(position) => {
                write!(f, "sector numbers do not ascend at position {position}")
            }
            Self::Number(position) => {
                write!(
                    f,
                    "the sector number at position {position} is above 2^53 - 1"
                )
            }
            Self::CommR(position) => {
                write!(f, "the comm_r at position {position} is no field element")
            }
        }
    }
}

impl std::error::Error for SectorListError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(numbers: &[u64]) -> Vec<u8> {
        let sectors: Vec<_> = numbers
            .iter()
            .map(|&number| Sector {
                number,
                comm_r: [1; 32],
            })
            .collect();
        encode_sector_list(&sectors)
    }

    #[test]
    fn round_trip() {
        let sectors = parse_sector_list(&list(&[0, 3, INTEGER_MAX]), 3).unwrap();
        assert_eq!(encode_sector_list(&sectors), list(&[0, 3, INTEGER_MAX]));
    }

    #[test]
    fn refusals() {
        let error = |bytes: &[u8], max| parse_sector_list(bytes, max).unwrap_err();
        assert_eq!(error(&[], 2), SectorListError::Empty);
        assert_eq!(error(&list(&[1])[1..], 2), SectorListError::Length(39));
        assert_eq!(
            error(&list(&[1, 2, 3]), 2),
            SectorListError::TooMany { found: 3, max: 2 }
        );
        assert_eq!(error(&list(&[2, 2]), 2), SectorListError::Order(1));
        assert_eq!(error(&list(&[1, 3, 2]), 3), SectorListError::Order(2));
        assert_eq!(
            error(&list(&[INTEGER_MAX + 1]), 2),
            SectorListError::Number(0)
        );
        let mut bytes = list(&[1]);
        bytes[39] = 0xff;
        assert_eq!(error(&bytes, 2), SectorListError::CommR(0));
    }
}
