//! Field arithmetic of blst, one element at a time: for processors without the instructions of [`crate::ifma`].

use blst::*;

use crate::group::{G1, G2};
use crate::lanes::Lanes;

macro_rules! plain {
    ($(#[$doc:meta])* $name:ident, $point:ty, $affine:ident, $field:ident, $mul:ident, $sqr:ident, $sub:ident, $cneg:ident, $inverse:ident, $one:expr) => {
        $(#[$doc])*
        pub(crate) struct $name;

        impl Lanes for $name {
            type Point = $point;
            const COUNT: usize = 1;
            type Value = $field;

            #[inline(always)]
            unsafe fn one() -> $field {
                $one
            }

            #[inline(always)]
            unsafe fn load_x(points: &[*const $point]) -> $field {
                (*points[0].cast::<$affine>()).x
            }

            #[inline(always)]
            unsafe fn load(points: &[*const $point]) -> ($field, $field) {
                let point = &*points[0].cast::<$affine>();
                (point.x, point.y)
            }

            #[inline(always)]
            unsafe fn store(points: &[*mut $point], x: &$field, y: &$field) {
                *points[0].cast::<$affine>() = $affine { x: *x, y: *y };
            }

            #[inline(always)]
            unsafe fn multiply(a: &$field, b: &$field) -> $field {
                let mut out = $field::default();
                $mul(&mut out, a, b);
                out
            }

            #[inline(always)]
            unsafe fn square(a: &$field) -> $field {
                let mut out = $field::default();
                $sqr(&mut out, a);
                out
            }

            #[inline(always)]
            unsafe fn subtract(a: &$field, b: &$field) -> $field {
                let mut out = $field::default();
                $sub(&mut out, a, b);
                out
            }

            #[inline(always)]
            unsafe fn subtract_signed(a: &$field, b: &$field, negative: u8) -> $field {
                let mut signed = $field::default();
                $cneg(&mut signed, a, negative != 0);
                Self::subtract(&signed, b)
            }

            #[inline(always)]
            unsafe fn third_x(square: &$field, x1: &$field, x2: &$field) -> $field {
                Self::subtract(&Self::subtract(square, x1), x2)
            }

            #[inline(always)]
            unsafe fn third_y(product: &$field, y1: &$field) -> $field {
                Self::subtract(product, y1)
            }

            unsafe fn invert(a: &$field) -> Option<$field> {
                if *a == $field::default() {
                    return None;
                }
                let mut out = $field::default();
                $inverse(&mut out, a);
                Some(out)
            }

            fn import(_: &mut $point) {}

            fn export(_: &mut $point) {}
        }
    };
}

/// 2^384 mod p: one in Montgomery form.
const ONE: blst_fp = blst_fp {
    l: [
        0x7609_0000_0002_fffd,
        0xebf4_000b_c40c_0002,
        0x5f48_9857_53c7_58ba,
        0x77ce_5853_7052_5745,
        0x5c07_1a97_a256_ec6d,
        0x15f6_5ec3_fa80_e493,
    ],
};

plain!(
    /// Coordinates of G1.
    PlainG1, G1, blst_p1_affine, blst_fp, blst_fp_mul, blst_fp_sqr, blst_fp_sub, blst_fp_cneg, blst_fp_inverse, ONE
);
plain!(
    /// Coordinates of G2.
    PlainG2, G2, blst_p2_affine, blst_fp2, blst_fp2_mul, blst_fp2_sqr, blst_fp2_sub, blst_fp2_cneg, blst_fp2_inverse,
    blst_fp2 { fp: [ONE, blst_fp { l: [0; 6] }] }
);
