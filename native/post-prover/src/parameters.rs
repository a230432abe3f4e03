//! Groth16 parameters, decoded once.
//!
//! A `.params` file (verifying key, then h, l, a, b_g1 and b_g2 as uncompressed big-endian points, each vector with a u32 BE count in
//! front) is turned into one flat image: a header and the points as multi-exponentiation reads them. The image lies in memory, or in a
//! file that all processes of a machine map and share. Points are checked to be on the curve, not to be in the subgroup: that is what the
//! published digest of the file is for.

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::path::Path;

use blake2b_simd::{blake2b, Params as Blake2b};
use blst::{blst_fp, blst_fp_from_bendian};
use memmap2::{Mmap, MmapMut};
use rayon::prelude::*;

use crate::group::{Affine, G1, G2};
use crate::{Arithmetic, Circuit};

/// Parameters of one circuit, in the form of one arithmetic.
pub struct Parameters {
    arithmetic: Arithmetic,
    image: Image,
    sections: Sections,
}

/// Why parameters are refused.
#[derive(Debug)]
pub enum ParametersError {
    /// The file cannot be read or written.
    Io(io::Error),
    /// The file is not what the circuit needs.
    Refused(String),
}

enum Image {
    Memory(MmapMut),
    File(Mmap),
}

impl Deref for Image {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Memory(map) => map,
            Self::File(map) => map,
        }
    }
}

/// Head of an image: magic, form, counts, length and digest of the source, digest of the points, key. One page, so that points are
/// aligned.
const HEADER: usize = 4096;
const MAGIC: &[u8; 8] = b"PPFLAT01";
const SOURCE_DIGEST: usize = 64;
const POINTS_DIGEST: usize = 128;
const KEY: usize = 192;
const G1_BYTES: usize = size_of::<G1>();
const G2_BYTES: usize = size_of::<G2>();

/// The verifying key in front of a `.params` file: alpha_g1, beta_g1, beta_g2, gamma_g2, delta_g1, delta_g2, count, points.
const KEY_FIXED: usize = 3 * G1_BYTES + 3 * G2_BYTES;

/// What of the verifying key the prover needs, in blst's form.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Key {
    pub(crate) alpha_g1: G1,
    pub(crate) beta_g1: G1,
    pub(crate) delta_g1: G1,
    pub(crate) beta_g2: G2,
    pub(crate) delta_g2: G2,
}

/// Counts of the five vectors, in the order of the file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Sections {
    counts: [usize; 5],
}

impl Sections {
    /// What the circuit's density asks for.
    fn of(circuit: &Circuit) -> Self {
        Self {
            counts: circuit.parameter_counts(),
        }
    }

    fn point_bytes(section: usize) -> usize {
        if section == 4 {
            G2_BYTES
        } else {
            G1_BYTES
        }
    }

    /// Bytes of a section in the image.
    fn range(&self, section: usize) -> Range<usize> {
        let start = HEADER
            + (0..section)
                .map(|section| self.counts[section] * Self::point_bytes(section))
                .sum::<usize>();
        start..start + self.counts[section] * Self::point_bytes(section)
    }

    fn image_len(&self) -> usize {
        self.range(4).end
    }

    /// Where a section's points begin in a `.params` file whose key has that length.
    fn source_start(&self, key_len: usize, section: usize) -> usize {
        self.range(section).start - HEADER + key_len + 4 * (section + 1)
    }
}

impl Parameters {
    /// Decodes a `.params` file into memory.
    pub fn load(
        path: &Path,
        circuit: &Circuit,
        arithmetic: Arithmetic,
    ) -> Result<Self, ParametersError> {
        let source = map(path)?;
        let sections = check_source(&source, circuit)?;
        let mut image = MmapMut::map_anon(sections.image_len())?;
        decode(&source, &sections, circuit, arithmetic, &mut image)?;
        Ok(Self {
            arithmetic,
            image: Image::Memory(image),
            sections,
        })
    }

    /// Decodes a `.params` file into a file for [`Parameters::open`], with both digests. One that is there, fits and is whole is kept.
    ///
    /// The file appears under its name when it is whole. Of several processes one decodes and the others wait, by a lock on a file
    /// beside it that stays: so a partial file is nobody else's, and one that a killed process left is overwritten, not piled up.
    pub fn install(
        source_path: &Path,
        path: &Path,
        circuit: &Circuit,
        arithmetic: Arithmetic,
    ) -> Result<(), ParametersError> {
        let lock = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.with_extension("lock"))?;
        lock.lock()?;
        if Self::open(path, source_path, circuit, arithmetic).is_ok_and(|there| there.verify()) {
            return Ok(());
        }
        let partial = path.with_extension("partial");
        Self::write(source_path, &partial, circuit, arithmetic)?;
        std::fs::rename(&partial, path)?;
        Ok(())
    }

    fn write(
        source_path: &Path,
        path: &Path,
        circuit: &Circuit,
        arithmetic: Arithmetic,
    ) -> Result<(), ParametersError> {
        let source = map(source_path)?;
        let sections = check_source(&source, circuit)?;
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)?;
        file.set_len(sections.image_len() as u64)?;
        // SAFETY: the file is ours by the lock; a process that writes into another's files can break anything.
        let mut image = unsafe { MmapMut::map_mut(&file)? };
        decode(&source, &sections, circuit, arithmetic, &mut image)?;
        let source_digest = blake2b(&source);
        let points_digest = blake2b(&image[HEADER..]);
        image[SOURCE_DIGEST..][..64].copy_from_slice(source_digest.as_bytes());
        image[POINTS_DIGEST..][..64].copy_from_slice(points_digest.as_bytes());
        image.flush()?;
        Ok(())
    }

    /// Maps a file that [`Parameters::install`] wrote, if it is of this source: counts and key are compared. The points are not read:
    /// [`Parameters::verify`] does that.
    pub fn open(
        path: &Path,
        source_path: &Path,
        circuit: &Circuit,
        arithmetic: Arithmetic,
    ) -> Result<Self, ParametersError> {
        let image = map(path)?;
        let sections = Sections::of(circuit);
        if image.len() != sections.image_len() {
            return Err(refused(format!(
                "{} bytes, the circuit needs {}",
                image.len(),
                sections.image_len()
            )));
        }
        if image[..SOURCE_DIGEST] != head(&sections, arithmetic)[..] {
            return Err(refused(
                "made for another circuit, another processor, or by another version",
            ));
        }
        let parameters = Self {
            arithmetic,
            image: Image::File(image),
            sections,
        };
        let source = map(source_path)?;
        check_source(&source, circuit)?;
        if *parameters.key() != decode_key(&source)? {
            return Err(refused("made from other parameters"));
        }
        Ok(parameters)
    }

    /// Whether the points are those that were installed.
    pub fn verify(&self) -> bool {
        let mut hasher = Blake2b::new().to_state();
        hasher.update(&self.image[HEADER..]);
        hasher.finalize().as_bytes() == &self.image[POINTS_DIGEST..][..64]
    }

    /// BLAKE2b-512 of the `.params` file that this was made from; zeros when it is not known.
    pub fn source_digest(&self) -> &[u8] {
        &self.image[SOURCE_DIGEST..][..64]
    }

    /// Bytes of the image.
    pub fn bytes(&self) -> usize {
        self.image.len()
    }

    /// The arithmetic whose form the points have.
    pub fn arithmetic(&self) -> Arithmetic {
        self.arithmetic
    }

    pub(crate) fn key(&self) -> &Key {
        // SAFETY: words of any value are a key, and the image is aligned to pages.
        unsafe { &*self.image[KEY..][..size_of::<Key>()].as_ptr().cast::<Key>() }
    }

    pub(crate) fn h(&self) -> &[G1] {
        self.points(0)
    }

    pub(crate) fn l(&self) -> &[G1] {
        self.points(1)
    }

    pub(crate) fn a(&self) -> &[G1] {
        self.points(2)
    }

    pub(crate) fn b_g1(&self) -> &[G1] {
        self.points(3)
    }

    pub(crate) fn b_g2(&self) -> &[G2] {
        self.points(4)
    }

    fn points<P: Affine>(&self, section: usize) -> &[P] {
        assert_eq!(size_of::<P>(), Sections::point_bytes(section));
        let bytes = &self.image[self.sections.range(section)];
        // SAFETY: words of any value are a point, sections are multiples of eight bytes, and the image is aligned to pages.
        unsafe {
            std::slice::from_raw_parts(bytes.as_ptr().cast::<P>(), self.sections.counts[section])
        }
    }
}

fn map(path: &Path) -> Result<Mmap, ParametersError> {
    let file = File::open(path)?;
    // SAFETY: parameter files are written once, under another name; a process that changes them can break any mapping.
    Ok(unsafe { Mmap::map(&file)? })
}

fn head(sections: &Sections, arithmetic: Arithmetic) -> [u8; SOURCE_DIGEST] {
    let mut head = [0; SOURCE_DIGEST];
    head[..8].copy_from_slice(MAGIC);
    let form: u64 = match arithmetic {
        Arithmetic::Plain => 384,
        Arithmetic::Ifma => 416,
    };
    head[8..16].copy_from_slice(&form.to_le_bytes());
    for (place, count) in head[16..].chunks_exact_mut(8).zip(sections.counts) {
        place.copy_from_slice(&(count as u64).to_le_bytes());
    }
    head
}

fn key_len(circuit: &Circuit) -> usize {
    KEY_FIXED + 4 + G1_BYTES * circuit.inputs()
}

/// Compares every count with the circuit's.
fn check_source(source: &[u8], circuit: &Circuit) -> Result<Sections, ParametersError> {
    let sections = Sections::of(circuit);
    let key_len = key_len(circuit);
    let expected = sections.source_start(key_len, 4) + sections.range(4).len();
    if source.len() != expected {
        return Err(refused(format!(
            "{} bytes, the circuit's parameters have {expected}",
            source.len()
        )));
    }
    let count = |offset: usize| {
        u32::from_be_bytes(source[offset..offset + 4].try_into().expect("four bytes")) as usize
    };
    if count(KEY_FIXED) != circuit.inputs() {
        return Err(refused("the verifying key is of another circuit"));
    }
    for section in 0..5 {
        if count(sections.source_start(key_len, section) - 4) != sections.counts[section] {
            return Err(refused("a vector of points has another length"));
        }
    }
    Ok(sections)
}

fn decode(
    source: &[u8],
    sections: &Sections,
    circuit: &Circuit,
    arithmetic: Arithmetic,
    image: &mut [u8],
) -> Result<(), ParametersError> {
    image[..SOURCE_DIGEST].copy_from_slice(&head(sections, arithmetic));
    let key = decode_key(source)?;
    // SAFETY: plain words.
    image[KEY..][..size_of::<Key>()].copy_from_slice(unsafe {
        std::slice::from_raw_parts(std::ptr::from_ref(&key).cast::<u8>(), size_of::<Key>())
    });
    for section in 0..5 {
        let start = sections.source_start(key_len(circuit), section);
        let range = sections.range(section);
        let source = &source[start..start + range.len()];
        let image = &mut image[range];
        if section == 4 {
            decode_points::<G2>(source, arithmetic, image)?;
        } else {
            decode_points::<G1>(source, arithmetic, image)?;
        }
    }
    Ok(())
}

fn decode_key(source: &[u8]) -> Result<Key, ParametersError> {
    let fixed = &source[..KEY_FIXED];
    let (g1, g2) = (G1_BYTES, G2_BYTES);
    Ok(Key {
        alpha_g1: decode_point(&fixed[..g1])?,
        beta_g1: decode_point(&fixed[g1..2 * g1])?,
        beta_g2: decode_point(&fixed[2 * g1..2 * g1 + g2])?,
        delta_g1: decode_point(&fixed[2 * g1 + 2 * g2..3 * g1 + 2 * g2])?,
        delta_g2: decode_point(&fixed[3 * g1 + 2 * g2..])?,
    })
}

fn decode_points<P: Affine>(
    source: &[u8],
    arithmetic: Arithmetic,
    image: &mut [u8],
) -> Result<(), ParametersError> {
    let bytes = size_of::<P>();
    // SAFETY: words of any value are a point; the sections are aligned.
    let points: &mut [P] = unsafe {
        std::slice::from_raw_parts_mut(image.as_mut_ptr().cast::<P>(), image.len() / bytes)
    };
    points
        .par_chunks_mut(1024)
        .zip(source.par_chunks(1024 * bytes))
        .try_for_each(|(points, source)| {
            for (point, source) in points.iter_mut().zip(source.chunks_exact(bytes)) {
                *point = decode_point(source)?;
                arithmetic.import(point);
            }
            Ok(())
        })
}

/// An uncompressed point, big-endian, parts of the quadratic extension in descending order. Infinity has a flag and is refused: no
/// parameter is infinite.
fn decode_point<P: Affine>(source: &[u8]) -> Result<P, ParametersError> {
    let mut point = P::ZERO;
    let parts = P::WORDS / 6;
    for (index, element) in point.elements().iter_mut().enumerate() {
        let position = index / parts * parts + (parts - 1 - index % parts);
        let bytes = &source[48 * position..48 * (position + 1)];
        if bytes >= &MODULUS[..] {
            return Err(refused("a coordinate is no field element"));
        }
        let mut decoded = blst_fp::default();
        // SAFETY: 48 bytes.
        unsafe { blst_fp_from_bendian(&mut decoded, bytes.as_ptr()) };
        *element = decoded.l;
    }
    if !point.is_on_curve() {
        return Err(refused("a point is not on the curve"));
    }
    Ok(point)
}

const MODULUS: [u8; 48] = [
    0x1a, 0x01, 0x11, 0xea, 0x39, 0x7f, 0xe6, 0x9a, 0x4b, 0x1b, 0xa7, 0xb6, 0x43, 0x4b, 0xac, 0xd7,
    0x64, 0x77, 0x4b, 0x84, 0xf3, 0x85, 0x12, 0xbf, 0x67, 0x30, 0xd2, 0xa0, 0xf6, 0xb0, 0xf6, 0x24,
    0x1e, 0xab, 0xff, 0xfe, 0xb1, 0x53, 0xff, 0xff, 0xb9, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xaa, 0xab,
];

fn refused(reason: impl Into<String>) -> ParametersError {
    ParametersError::Refused(reason.into())
}

impl From<io::Error> for ParametersError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl std::fmt::Display for ParametersError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Refused(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for ParametersError {}
