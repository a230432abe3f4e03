//! The strict parser of one sector's vanilla proof.
//!
//! bincode accepts several byte strings for one proof, and the library panics on malformed ones (words >= r, indexes > 7, other
//! vector lengths) or spends a whole proof on them (roots, order of sectors). So exactly one layout is accepted here, and everything
//! that can be decided without hashing nodes is decided here. What is left for the Merkle check is whether the paths lead to the root.

use std::fmt;

use crate::{is_canonical, Layout, Sector, Word};

/// What the proof must be of.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Layout of the proof type.
    pub layout: Layout,
    /// Sector number and comm_r of the manifest.
    pub sector: Sector,
    /// Derived leaf indexes, as many as the layout has challenges.
    pub challenges: &'a [u64],
}

/// A well-formed proof; borrows the bytes.
#[derive(Clone, Debug)]
pub struct Vanilla<'a> {
    /// Commitment to the column tree.
    pub comm_c: &'a Word,
    /// Commitment to the replica tree, the root of every inclusion proof.
    pub comm_r_last: &'a Word,
    /// One per challenge, in the order of the challenges.
    pub inclusions: Vec<Inclusion<'a>>,
}

/// The path of one leaf.
#[derive(Clone, Debug)]
pub struct Inclusion<'a> {
    /// The challenged leaf.
    pub leaf: &'a Word,
    /// From the leaf's row upwards.
    pub levels: Vec<Level<'a>>,
}

/// One step upwards: the siblings, and where among them the node stands.
#[derive(Clone, Debug)]
pub struct Level<'a> {
    /// 7 siblings, or 1 at the binary top.
    pub siblings: Vec<&'a Word>,
    /// 0..=7, or 0..=1 at the binary top.
    pub index: usize,
}

/// Why bytes are not the proof that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VanillaError {
    /// Not the exact length.
    Length {
        /// Bytes given.
        found: usize,
        /// Bytes of the layout.
        expected: usize,
    },
    /// Of another sector.
    Sector(u64),
    /// Of another replica.
    CommR,
    /// A length, count or tag at this offset is not the constant.
    Structure(usize),
    /// The word at this offset is not below the modulus.
    NonCanonical(usize),
    /// The index at this offset is too large.
    Index(usize),
    /// The path of this challenge is that of another leaf.
    Challenge(usize),
    /// The root of this challenge's path is not comm_r_last.
    Root(usize),
}

impl VanillaError {
    /// The code of a `checked` answer.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Length { .. } => "length",
            Self::Sector(_) => "sector",
            Self::CommR => "comm-r",
            Self::Structure(_) => "structure",
            Self::NonCanonical(_) => "non-canonical",
            Self::Index(_) => "index",
            Self::Challenge(_) => "challenge",
            Self::Root(_) => "root",
        }
    }
}

/// Parses the vanilla proof of one sector and compares it with what was asked.
///
/// # Panics
/// If `expected.challenges` is not as long as the layout says: that is the caller's constant, not input.
pub fn parse_vanilla<'a>(
    expected: &Expected<'_>,
    bytes: &'a [u8],
) -> Result<Vanilla<'a>, VanillaError> {
    let layout = expected.layout;
    assert_eq!(expected.challenges.len(), layout.challenges);
    if bytes.len() != layout.vanilla_len() {
        return Err(VanillaError::Length {
            found: bytes.len(),
            expected: layout.vanilla_len(),
        });
    }
    let mut cursor = Cursor { bytes, offset: 0 };
    let number = cursor.u64();
    if number != expected.sector.number {
        return Err(VanillaError::Sector(number));
    }
    if cursor.raw_word() != &expected.sector.comm_r {
        return Err(VanillaError::CommR);
    }
    cursor.constant(1)?;
    cursor.constant(layout.challenges as u64)?;
    let mut roots = Vec::with_capacity(layout.challenges);
    let mut inclusions = Vec::with_capacity(layout.challenges);
    for (position, &challenge) in expected.challenges.iter().enumerate() {
        let (root, inclusion) = parse_inclusion(&mut cursor, &layout)?;
        if leaf_index(&inclusion) != challenge {
            return Err(VanillaError::Challenge(position));
        }
        roots.push(root);
        inclusions.push(inclusion);
    }
    let comm_c = cursor.word()?;
    let comm_r_last = cursor.word()?;
    assert_eq!(
        cursor.offset,
        bytes.len(),
        "the layout covers the whole proof"
    );
    if let Some(position) = roots.iter().position(|root| *root != comm_r_last) {
        return Err(VanillaError::Root(position));
    }
    Ok(Vanilla {
        comm_c,
        comm_r_last,
        inclusions,
    })
}

fn parse_inclusion<'a>(
    cursor: &mut Cursor<'a>,
    layout: &Layout,
) -> Result<(&'a Word, Inclusion<'a>), VanillaError> {
    let shape = layout.shape;
    cursor.tag(shape.tag())?;
    let mut levels =
        Vec::with_capacity(shape.base_levels + usize::from(shape.sub) + usize::from(shape.top));
    // `Single` has root and leaf in front of its path, `Sub` and `Top` behind their paths.
    if !shape.sub {
        let root = cursor.word()?;
        let leaf = cursor.word()?;
        cursor.path(shape.base_levels, 8, &mut levels)?;
        return Ok((root, Inclusion { leaf, levels }));
    }
    cursor.path(shape.base_levels, 8, &mut levels)?;
    cursor.path(1, 8, &mut levels)?;
    if shape.top {
        cursor.path(1, 2, &mut levels)?;
    }
    let root = cursor.word()?;
    let leaf = cursor.word()?;
    Ok((root, Inclusion { leaf, levels }))
}

/// The indexes of a path are the digits of the leaf index, least significant first. The binary top is the last digit, so that every
/// digit below it is octal.
fn leaf_index(inclusion: &Inclusion<'_>) -> u64 {
    inclusion
        .levels
        .iter()
        .rev()
        .fold(0, |index, level| index << 3 | level.index as u64)
}

/// Reads constants and words. The length was compared with the layout before, so reading cannot run past the end.
struct Cursor<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    fn array<const N: usize>(&mut self) -> &'a [u8; N] {
        let bytes: &'a [u8] = self.bytes;
        let slice = &bytes[self.offset..self.offset + N];
        self.offset += N;
        slice.try_into().expect("the slice has N bytes")
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(*self.array())
    }

    fn raw_word(&mut self) -> &'a Word {
        self.array()
    }

    fn word(&mut self) -> Result<&'a Word, VanillaError> {
        let offset = self.offset;
        let word = self.raw_word();
        if is_canonical(word) {
            Ok(word)
        } else {
            Err(VanillaError::NonCanonical(offset))
        }
    }

    fn constant(&mut self, expected: u64) -> Result<(), VanillaError> {
        let offset = self.offset;
        if self.u64() == expected {
            Ok(())
        } else {
            Err(VanillaError::Structure(offset))
        }
    }

    fn tag(&mut self, expected: u32) -> Result<(), VanillaError> {
        let offset = self.offset;
        if u32::from_le_bytes(*self.array()) == expected {
            Ok(())
        } else {
            Err(VanillaError::Structure(offset))
        }
    }

    fn path(
        &mut self,
        length: usize,
        arity: usize,
        levels: &mut Vec<Level<'a>>,
    ) -> Result<(), VanillaError> {
        self.constant(length as u64)?;
        for _ in 0..length {
            self.constant(arity as u64 - 1)?;
            let siblings = (1..arity).map(|_| self.word()).collect::<Result<_, _>>()?;
            let offset = self.offset;
            let index = self.u64();
            if index >= arity as u64 {
                return Err(VanillaError::Index(offset));
            }
            levels.push(Level {
                siblings,
                index: index as usize,
            });
        }
        Ok(())
    }
}

impl fmt::Display for VanillaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { found, expected } => {
                write!(f, "{found} bytes, the proof of one sector has {expected}")
            }
            Self::Sector(number) => write!(f, "the proof is of sector {number}"),
            Self::CommR => f.write_str("the proof is of another comm_r"),
            Self::Structure(offset) => {
                write!(f, "a length or tag at offset {offset} is not the constant")
            }
            Self::NonCanonical(offset) => {
                write!(f, "the word at offset {offset} is no field element")
            }
            Self::Index(offset) => write!(f, "the index at offset {offset} is too large"),
            Self::Challenge(position) => write!(
                f,
                "path {position} is not that of the challenged leaf: other randomness, or another proof type"
            ),
            Self::Root(position) => write!(f, "the root of path {position} is not comm_r_last"),
        }
    }
}

impl std::error::Error for VanillaError {}
