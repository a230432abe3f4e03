//! Scalars in the form that multi-exponentiation reads: sign and magnitude.
//!
//! A scalar above half the modulus is stored as its negative, so that 255 bits of signed digits are enough for every magnitude and a
//! negative costs one negated point.

use blst::{blst_fr, blst_scalar, blst_scalar_from_fr};
use blstrs::Scalar;

/// Magnitude at most (r - 1) / 2 in little-endian words; bit 255 is the sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Signed(pub(crate) [u64; 4]);

const MODULUS: [u64; 4] = [
    0xffff_ffff_0000_0001,
    0x53bd_a402_fffe_5bfe,
    0x3339_d808_09a1_d805,
    0x73ed_a753_299d_7d48,
];

/// (r - 1) / 2.
const HALF: [u64; 4] = [
    0x7fff_ffff_8000_0000,
    0xa9de_d201_7fff_2dff,
    0x199c_ec04_04d0_ec02,
    0x39f6_d3a9_94ce_bea4,
];

pub(crate) const SIGN: u64 = 1 << 63;

impl From<&Scalar> for Signed {
    #[inline]
    fn from(scalar: &Scalar) -> Self {
        let words = canonical(scalar);
        if above_half(&words) {
            let mut magnitude = [0; 4];
            let mut borrow = false;
            for i in 0..4 {
                let (difference, first) = MODULUS[i].overflowing_sub(words[i]);
                let (difference, second) = difference.overflowing_sub(u64::from(borrow));
                magnitude[i] = difference;
                borrow = first | second;
            }
            magnitude[3] |= SIGN;
            Self(magnitude)
        } else {
            Self(words)
        }
    }
}

#[inline]
fn above_half(words: &[u64; 4]) -> bool {
    for i in (0..4).rev() {
        if words[i] != HALF[i] {
            return words[i] > HALF[i];
        }
    }
    false
}

/// Out of Montgomery form.
#[inline]
fn canonical(scalar: &Scalar) -> [u64; 4] {
    let mut out = blst_scalar::default();
    // SAFETY: `Scalar` is a transparent wrapper of `blst_fr`, and both pointers are valid for the call.
    unsafe { blst_scalar_from_fr(&mut out, std::ptr::from_ref(scalar).cast::<blst_fr>()) };
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(out.b.chunks_exact(8)) {
        *word = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use ff::Field;

    #[test]
    fn halves_meet_in_the_middle() {
        assert_eq!(Signed::from(&Scalar::ONE).0, [1, 0, 0, 0]);
        assert_eq!(Signed::from(&-Scalar::ONE).0, [1, 0, 0, SIGN]);
        let half = Scalar::from(2).invert().unwrap();
        // 1/2 = (r + 1) / 2 is the smallest value that is stored as a negative.
        assert_eq!(Signed::from(&(half - Scalar::ONE)).0, HALF);
        let mut expected = HALF;
        expected[3] |= SIGN;
        assert_eq!(Signed::from(&half).0, expected);
    }
}
