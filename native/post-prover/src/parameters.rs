//! Groth16 parameters, decoded once.
//!
//! A `.params` file (verifying key, then h, l, a, b_g1 and b_g2 as uncompressed big-endian points, each vector with a u32 BE count in
//! front) is turned into one flat image: a header and the points as multi-exponentiation reads them. The image lies in memory, or in a
//! file that all processes of a machine map and share. Points are checked to be on the curve, not to be in the subgroup: that is what the
//! published digest of the file is for.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};

use blake2b_simd::{blake2b, Params as Blake2b};
use blst::{blst_fp, blst_fp_from_bendian};
use memmap2::{Mmap, MmapMut};
use rayon::prelude::*;
use rustix::fs::FallocateFlags;
use rustix::io::Errno;

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
/// Points that are decoded between two writes of an image: 48 or 96 MiB.
const WRITE_POINTS: usize = 1 << 19;
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
    /// beside it that stays: so a partial file is nobody else's. One that a killed process left is removed, and so is ours on any failure.
    /// A disk that is too small is an error at once where the file system can reserve space, else when it is full.
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
        let partial = Partial::new(path.with_extension("partial"))?;
        if Self::open(path, source_path, circuit, arithmetic).is_ok_and(|there| there.verify()) {
            return Ok(());
        }
        let source = map(source_path)?;
        let sections = check_source(&source, circuit)?;
        write_image(&partial.0, &source, &sections, circuit, arithmetic).map_err(|error| {
            let ParametersError::Io(error) = error else {
                return error;
            };
            let (path, bytes) = (partial.0.display(), sections.image_len());
            let reason = format!("writing the {bytes} bytes of {path}: {error}");
            ParametersError::Io(io::Error::new(error.kind(), reason))
        })?;
        std::fs::rename(&partial.0, path)?;
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
    image[..HEADER].copy_from_slice(&header(source, sections, arithmetic)?);
    for section in 0..5 {
        let source = section_source(source, sections, circuit, section);
        let image = &mut image[sections.range(section)];
        if section == 4 {
            decode_points::<G2>(source, arithmetic, points_of(image))?;
        } else {
            decode_points::<G1>(source, arithmetic, points_of(image))?;
        }
    }
    Ok(())
}

/// A file without its name, gone with this value.
struct Partial(PathBuf);

impl Partial {
    fn new(path: PathBuf) -> io::Result<Self> {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(Self(path)),
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // It has its name by now, or the first error is the one to tell.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Writes an image with both digests. It is not written through a mapping: there a full disk is no error but a signal that kills.
fn write_image(
    path: &Path,
    source: &[u8],
    sections: &Sections,
    circuit: &Circuit,
    arithmetic: Arithmetic,
) -> Result<(), ParametersError> {
    let mut file = File::options().write(true).create_new(true).open(path)?;
    reserve(&file, sections.image_len() as u64)?;
    let mut header = header(source, sections, arithmetic)?;
    file.write_all(&header)?;
    let mut digest = Blake2b::new().to_state();
    for section in 0..5 {
        let source = section_source(source, sections, circuit, section);
        if section == 4 {
            write_points::<G2>(&mut file, &mut digest, source, arithmetic)?;
        } else {
            write_points::<G1>(&mut file, &mut digest, source, arithmetic)?;
        }
    }
    header[SOURCE_DIGEST..][..64].copy_from_slice(blake2b(source).as_bytes());
    header[POINTS_DIGEST..][..64].copy_from_slice(digest.finalize().as_bytes());
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&header)?;
    // Delayed writes fail here or never.
    file.sync_all()?;
    Ok(())
}

/// Fails at once where the disk has no room. Some file systems cannot say, and say that.
fn reserve(file: &File, bytes: u64) -> io::Result<()> {
    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, bytes) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
        reserved => Ok(reserved?),
    }
}

fn write_points<P: Affine>(
    file: &mut File,
    digest: &mut blake2b_simd::State,
    source: &[u8],
    arithmetic: Arithmetic,
) -> Result<(), ParametersError> {
    let mut buffer = vec![P::ZERO; WRITE_POINTS.min(source.len() / size_of::<P>())];
    for source in source.chunks(WRITE_POINTS * size_of::<P>()) {
        let points = &mut buffer[..source.len() / size_of::<P>()];
        decode_points(source, arithmetic, points)?;
        // SAFETY: points are plain words.
        let bytes = unsafe {
            std::slice::from_raw_parts(points.as_ptr().cast::<u8>(), size_of_val(points))
        };
        digest.update(bytes);
        file.write_all(bytes)?;
    }
    Ok(())
}

/// The head of an image, without digests.
fn header(
    source: &[u8],
    sections: &Sections,
    arithmetic: Arithmetic,
) -> Result<[u8; HEADER], ParametersError> {
    let mut header = [0; HEADER];
    header[..SOURCE_DIGEST].copy_from_slice(&head(sections, arithmetic));
    let key = decode_key(source)?;
    // SAFETY: plain words.
    header[KEY..][..size_of::<Key>()].copy_from_slice(unsafe {
        std::slice::from_raw_parts(std::ptr::from_ref(&key).cast::<u8>(), size_of::<Key>())
    });
    Ok(header)
}

/// The points of a section in the `.params` file.
fn section_source<'a>(
    source: &'a [u8],
    sections: &Sections,
    circuit: &Circuit,
    section: usize,
) -> &'a [u8] {
    let start = sections.source_start(key_len(circuit), section);
    &source[start..start + sections.range(section).len()]
}

/// A section of an image as points.
fn points_of<P: Affine>(image: &mut [u8]) -> &mut [P] {
    // SAFETY: words of any value are a point; sections of a mapped image are aligned.
    unsafe {
        std::slice::from_raw_parts_mut(image.as_mut_ptr().cast::<P>(), image.len() / size_of::<P>())
    }
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
    points: &mut [P],
) -> Result<(), ParametersError> {
    let bytes = size_of::<P>();
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
