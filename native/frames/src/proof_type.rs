//! Proof types by their number in go-state-types, and the constants that follow from them.

use std::fmt;

/// Which PoSt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PostKind {
    /// One sector, 66 challenges, 30 seconds.
    Winning,
    /// One partition, 10 challenges per sector.
    Window,
}

/// Sector sizes with published parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SectorSize {
    /// 2 KiB, tests only.
    KiB2,
    /// 8 MiB, tests only.
    MiB8,
    /// 512 MiB, tests only.
    MiB512,
    /// 32 GiB.
    GiB32,
    /// 64 GiB.
    GiB64,
}

/// Kind and size; window means V1_1, the only one that the network accepts since version 19.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProofType {
    /// Winning or window.
    pub kind: PostKind,
    /// Size of every sector in the proof.
    pub size: SectorSize,
}

/// The tree over a sector: oct levels of the base tree, then perhaps one oct level, then perhaps one binary level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Oct levels of one base tree.
    pub base_levels: usize,
    /// One more oct level over eight base trees.
    pub sub: bool,
    /// One binary level over two such trees. Only together with `sub`.
    pub top: bool,
}

/// What fixes every byte position of a vanilla proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Tree of the sector.
    pub shape: Shape,
    /// Inclusion proofs in the vanilla proof of one sector.
    pub challenges: usize,
}

/// Why a number is no proof type for this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofTypeError {
    /// 5..=9: V1 windows, whose challenges depend on the position in the partition. The network has not accepted them since version 19.
    OldWindow(u64),
    /// No number of go-state-types.
    Unknown(u64),
}

impl SectorSize {
    /// All sizes in the order of the proof type numbers.
    pub const ALL: [Self; 5] = [
        Self::KiB2,
        Self::MiB8,
        Self::MiB512,
        Self::GiB32,
        Self::GiB64,
    ];

    /// Bytes of a sector.
    pub fn bytes(self) -> u64 {
        match self {
            Self::KiB2 => 2 << 10,
            Self::MiB8 => 8 << 20,
            Self::MiB512 => 512 << 20,
            Self::GiB32 => 32 << 30,
            Self::GiB64 => 64 << 30,
        }
    }

    /// Tree shape, from the constants of filecoin-proofs (`SectorShape*`).
    pub fn shape(self) -> Shape {
        let (base_levels, sub, top) = match self {
            Self::KiB2 => (2, false, false),
            Self::MiB8 => (6, false, false),
            Self::MiB512 => (8, false, false),
            Self::GiB32 => (9, true, false),
            Self::GiB64 => (9, true, true),
        };
        Shape {
            base_levels,
            sub,
            top,
        }
    }

    /// The name that command lines use.
    pub fn name(self) -> &'static str {
        match self {
            Self::KiB2 => "2KiB",
            Self::MiB8 => "8MiB",
            Self::MiB512 => "512MiB",
            Self::GiB32 => "32GiB",
            Self::GiB64 => "64GiB",
        }
    }

    /// The size of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.name() == name)
    }
}

impl PostKind {
    /// The name in answers and command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Winning => "winning",
            Self::Window => "window",
        }
    }
}

impl ProofType {
    /// Takes the number of go-state-types (`RegisteredPoStProof`).
    pub fn from_number(number: u64) -> Result<Self, ProofTypeError> {
        let (kind, first) = match number {
            0..=4 => (PostKind::Winning, 0),
            5..=9 => return Err(ProofTypeError::OldWindow(number)),
            10..=14 => (PostKind::Window, 10),
            _ => return Err(ProofTypeError::Unknown(number)),
        };
        let size = SectorSize::ALL[(number - first) as usize];
        Ok(Self { kind, size })
    }

    /// The number of go-state-types.
    pub fn number(self) -> u64 {
        let first = match self.kind {
            PostKind::Winning => 0,
            PostKind::Window => 10,
        };
        first + self.size as u64
    }

    /// Challenges per sector.
    pub fn challenges(self) -> usize {
        match self.kind {
            PostKind::Winning => 66,
            PostKind::Window => 10,
        }
    }

    /// Most sectors in one proof (`WINDOW_POST_SECTOR_COUNT`).
    pub fn sectors_max(self) -> usize {
        match (self.kind, self.size) {
            (PostKind::Winning, _) => 1,
            (PostKind::Window, SectorSize::GiB32) => 2349,
            (PostKind::Window, SectorSize::GiB64) => 2300,
            (PostKind::Window, _) => 2,
        }
    }

    /// Layout of the vanilla proof of one sector.
    pub fn layout(self) -> Layout {
        Layout {
            shape: self.size.shape(),
            challenges: self.challenges(),
        }
    }
}

impl Shape {
    /// Leaves of 32 bytes under the root.
    pub fn leaves(self) -> u64 {
        8u64.pow(self.base_levels as u32)
            * if self.sub { 8 } else { 1 }
            * if self.top { 2 } else { 1 }
    }

    /// Trees on disk.
    pub fn base_trees(self) -> usize {
        (if self.sub { 8 } else { 1 }) * (if self.top { 2 } else { 1 })
    }

    /// The enum tag of the inclusion proof: `Single`, `Sub` or `Top`.
    pub(crate) fn tag(self) -> u32 {
        match (self.sub, self.top) {
            (_, true) => 2,
            (true, false) => 1,
            (false, false) => 0,
        }
    }
}

impl Layout {
    /// Bytes of one element of an oct path: length 7, seven siblings, index.
    pub(crate) const OCT_ELEMENT: usize = 8 + 7 * 32 + 8;
    /// Bytes of one element of a binary path.
    pub(crate) const BINARY_ELEMENT: usize = 8 + 32 + 8;
    /// Bytes before the first inclusion proof: sector, comm_r, two counts.
    pub(crate) const HEAD: usize = 8 + 32 + 8 + 8;
    /// Bytes after the last one: comm_c, comm_r_last.
    pub(crate) const TAIL: usize = 64;

    /// Bytes of one inclusion proof.
    pub(crate) fn inclusion_len(&self) -> usize {
        let Shape {
            base_levels,
            sub,
            top,
        } = self.shape;
        let mut len = 4 + 64 + 8 + base_levels * Self::OCT_ELEMENT;
        if sub {
            len += 8 + Self::OCT_ELEMENT;
        }
        if top {
            len += 8 + Self::BINARY_ELEMENT;
        }
        len
    }

    /// Exact length of the vanilla proof of one sector.
    pub fn vanilla_len(&self) -> usize {
        Self::HEAD + self.challenges * self.inclusion_len() + Self::TAIL
    }
}

impl fmt::Display for ProofTypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OldWindow(number) => write!(
                f,
                "proof type {number} is a window V1, which the network has not accepted since version 19"
            ),
            Self::Unknown(number) => write!(f, "proof type {number} is unknown"),
        }
    }
}

impl std::error::Error for ProofTypeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_go_state_types() {
        for number in (0..5).chain(10..15) {
            assert_eq!(
                ProofType::from_number(number).map(ProofType::number),
                Ok(number)
            );
        }
        for number in 5..10 {
            assert_eq!(
                ProofType::from_number(number),
                Err(ProofTypeError::OldWindow(number))
            );
        }
        for number in [15, 16, u64::MAX] {
            assert_eq!(
                ProofType::from_number(number),
                Err(ProofTypeError::Unknown(number))
            );
        }
    }

    #[test]
    fn lengths_are_the_published_ones() {
        let len = |number| {
            ProofType::from_number(number)
                .unwrap()
                .layout()
                .vanilla_len()
        };
        assert_eq!(
            [10, 11, 12, 13, 14].map(len),
            [5_680, 15_280, 20_080, 24_960, 25_520]
        );
        assert_eq!(
            [0, 1, 2, 3, 4].map(len),
            [36_816, 100_176, 131_856, 164_064, 167_760]
        );
    }

    #[test]
    fn shapes_cover_the_sector() {
        for size in SectorSize::ALL {
            assert_eq!(size.shape().leaves() * 32, size.bytes(), "{}", size.name());
        }
    }
}
