//! The scalar field of BLS12-381, as far as a parser needs it.

use crate::Word;

/// The modulus r, 64-bit limbs, least significant first.
const MODULUS: [u64; 4] = [
    0xffff_ffff_0000_0001,
    0x53bd_a402_fffe_5bfe,
    0x3339_d808_09a1_d805,
    0x73ed_a753_299d_7d48,
];

/// True for a little endian number below the modulus. The library panics on others.
pub fn is_canonical(word: &Word) -> bool {
    for limb in (0..4).rev() {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&word[limb * 8..limb * 8 + 8]);
        let value = u64::from_le_bytes(bytes);
        if value != MODULUS[limb] {
            return value < MODULUS[limb];
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modulus() -> Word {
        let mut word = [0; 32];
        for (bytes, limb) in word.chunks_exact_mut(8).zip(MODULUS) {
            bytes.copy_from_slice(&limb.to_le_bytes());
        }
        word
    }

    #[test]
    fn border() {
        let mut word = modulus();
        assert!(!is_canonical(&word));
        word[0] -= 1;
        assert!(is_canonical(&word));
        word[0] += 2;
        assert!(!is_canonical(&word));
        assert!(is_canonical(&[0; 32]));
        assert!(!is_canonical(&[0xff; 32]));
    }

    #[test]
    fn a_high_limb_decides() {
        let mut word = modulus();
        word[16] -= 1;
        word[0] = 0xff;
        assert!(is_canonical(&word));
    }
}
