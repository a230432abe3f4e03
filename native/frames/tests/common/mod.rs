//! What several tests share: a small generator, the recorded vanilla proof, and mutations of it.

// Each test binary uses its own part of this module.
#![allow(dead_code)]

use std::fs;
use std::path::PathBuf;

use frames::{challenges, from_hex, Expected, ProofType, Randomness, Sector};

/// SplitMix64: equal seeds, equal tests.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

/// The recorded proof with everything that it must be compared with.
pub struct Recorded {
    pub proof_type: ProofType,
    pub sector: Sector,
    pub challenges: Vec<u64>,
    pub bytes: Vec<u8>,
}

impl Recorded {
    pub fn load() -> Self {
        let folder = vectors();
        let text = fs::read(folder.join("vanilla.json")).unwrap();
        let fields: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let proof_type = ProofType::from_number(fields["proofType"].as_u64().unwrap()).unwrap();
        let randomness = Randomness::from_hex(fields["randomness"].as_str().unwrap()).unwrap();
        let sector = Sector {
            number: fields["sector"].as_u64().unwrap(),
            comm_r: from_hex(fields["commR"].as_str().unwrap()).unwrap(),
        };
        let challenges = challenges(proof_type, &randomness, sector.number);
        let recorded: Vec<u64> = serde_json::from_value(fields["challenges"].clone()).unwrap();
        assert_eq!(challenges, recorded);
        Self {
            proof_type,
            sector,
            challenges,
            bytes: fs::read(folder.join(fields["file"].as_str().unwrap())).unwrap(),
        }
    }

    pub fn expected(&self) -> Expected<'_> {
        Expected {
            layout: self.proof_type.layout(),
            sector: self.sector,
            challenges: &self.challenges,
        }
    }
}

/// Cargo runs tests in the package's folder; a path compiled in may be that of another clone with the same target folder.
pub fn vectors() -> PathBuf {
    fs::canonicalize("../../test/vectors/native").unwrap()
}

/// Changes a proof in one of the ways in which it may be damaged or forged. The result always differs from the original.
pub fn mutate(random: &mut Random, original: &[u8]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    let position = random.below(bytes.len());
    // Words start at offset 8 and after headers of 4 or 8 bytes: every multiple of 4 may be one.
    let word = random.below((bytes.len() - 32) / 4) * 4;
    match random.below(10) {
        0 => bytes[position] ^= 1 << random.below(8),
        1 => bytes[position] = random.next() as u8,
        2 => bytes.truncate(position),
        3 => bytes.extend(random.bytes(position % 64 + 1)),
        4 => bytes[word..word + 32].fill(0xff),
        5 => bytes[word..word + 32].fill(0),
        6 => bytes[word..word + 8].copy_from_slice(&random.next().to_le_bytes()),
        7 => {
            let other = random.below((bytes.len() - 32) / 4) * 4;
            let copy = bytes[other..other + 32].to_vec();
            bytes[word..word + 32].copy_from_slice(&copy);
        }
        8 => {
            bytes.remove(position);
            bytes.push(0);
        }
        _ => {
            bytes.insert(position, random.next() as u8);
            bytes.pop();
        }
    }
    if bytes == original {
        bytes[position] ^= 0x80;
    }
    bytes
}
