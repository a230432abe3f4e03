//! Base field arithmetic on eight elements side by side with AVX-512 IFMA.
//!
//! Elements are eight limbs of 52 bits in Montgomery form with the factor 2^416. The modulus has 381 bits, so a product of factors
//! below 2^16 p stays below 1.01 p without a final subtraction, and sums need reduction only before they are stored. Stored points are
//! packed into the six words that blst uses, with x reduced (but for a chance of 2^-33) and y below 2p.

use crate::group::{Affine, G1, G2};
use crate::multiexp::{Plan, Terms, Worker};
use std::ops::Range;

use blst::{blst_fp, blst_fp_from_uint64, blst_fp_inverse, blst_fp_mul};

/// Whether this processor has the instructions.
#[cfg(target_arch = "x86_64")]
pub(crate) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma")
}

/// Whether this processor has the instructions.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn is_available() -> bool {
    false
}

/// Only where [`is_available`] said yes.
///
/// # Safety
/// As for [`Worker::window_sum`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) unsafe fn window_sum_g1(
    worker: &mut Worker<G1>,
    plan: &Plan,
    terms: &[Terms<'_, G1>],
    window: usize,
    range: &Range<usize>,
) -> <G1 as Affine>::Sum {
    worker.window_sum::<lanes::IfmaG1>(plan, terms, window, range)
}

/// Only where [`is_available`] said yes.
///
/// # Safety
/// As for [`Worker::window_sum`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) unsafe fn window_sum_g2(
    worker: &mut Worker<G2>,
    plan: &Plan,
    terms: &[Terms<'_, G2>],
    window: usize,
    range: &Range<usize>,
) -> <G2 as Affine>::Sum {
    worker.window_sum::<lanes::IfmaG2>(plan, terms, window, range)
}

/// Only where [`is_available`] said yes.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) unsafe fn window_sum_g1(
    _: &mut Worker<G1>,
    _: &Plan,
    _: &[Terms<'_, G1>],
    _: usize,
    _: &Range<usize>,
) -> <G1 as Affine>::Sum {
    unreachable!("never chosen on this processor")
}

/// Only where [`is_available`] said yes.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) unsafe fn window_sum_g2(
    _: &mut Worker<G2>,
    _: &Plan,
    _: &[Terms<'_, G2>],
    _: usize,
    _: &Range<usize>,
) -> <G2 as Affine>::Sum {
    unreachable!("never chosen on this processor")
}

/// From Montgomery form with 2^384 into that with 2^416.
pub(crate) fn import(element: &mut [u64; 6]) {
    multiply_by(element, &power_of_two(32));
}

/// The reverse of [`import`]; takes elements below 8p.
pub(crate) fn export(element: &mut [u64; 6]) {
    static FACTOR: std::sync::LazyLock<blst_fp> = std::sync::LazyLock::new(|| {
        let mut inverse = blst_fp::default();
        // SAFETY: valid pointers.
        unsafe { blst_fp_inverse(&mut inverse, &power_of_two(32)) };
        inverse
    });
    while !is_below(element, &MODULUS) {
        subtract_modulus(element);
    }
    multiply_by(element, &FACTOR);
}

fn multiply_by(element: &mut [u64; 6], factor: &blst_fp) {
    let mut product = blst_fp::default();
    // SAFETY: valid pointers.
    unsafe { blst_fp_mul(&mut product, &blst_fp { l: *element }, factor) };
    *element = product.l;
}

/// 2^exponent as a field element; the exponent below 64.
fn power_of_two(exponent: u32) -> blst_fp {
    let words = [1u64 << exponent, 0, 0, 0, 0, 0];
    let mut out = blst_fp::default();
    // SAFETY: valid pointers; blst reads six words.
    unsafe { blst_fp_from_uint64(&mut out, words.as_ptr()) };
    out
}

const MODULUS: [u64; 6] = [
    0xb9fe_ffff_ffff_aaab,
    0x1eab_fffe_b153_ffff,
    0x6730_d2a0_f6b0_f624,
    0x6477_4b84_f385_12bf,
    0x4b1b_a7b6_434b_acd7,
    0x1a01_11ea_397f_e69a,
];

fn is_below(a: &[u64; 6], b: &[u64; 6]) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

fn subtract_modulus(element: &mut [u64; 6]) {
    let mut borrow = false;
    for (word, modulus) in element.iter_mut().zip(MODULUS) {
        let (difference, first) = word.overflowing_sub(modulus);
        let (difference, second) = difference.overflowing_sub(u64::from(borrow));
        *word = difference;
        borrow = first | second;
    }
}

#[cfg(target_arch = "x86_64")]
mod lanes {
    use std::arch::x86_64::*;
    use std::array::from_fn;

    use super::*;
    use crate::lanes::Lanes;

    const MASK: i64 = (1 << 52) - 1;

    /// Eight field elements: limb i of all of them in vector i.
    #[derive(Clone, Copy)]
    #[repr(C, align(64))]
    pub(crate) struct Eight([__m512i; 8]);

    /// count · p in limbs.
    const fn multiple(count: u64) -> [i64; 8] {
        let mut words = [0u64; 7];
        let mut carry = 0u128;
        let mut i = 0;
        while i < 6 {
            let product = MODULUS[i] as u128 * count as u128 + carry;
            words[i] = product as u64;
            carry = product >> 64;
            i += 1;
        }
        words[6] = carry as u64;
        let mut limbs = [0i64; 8];
        let mut limb = 0;
        while limb < 8 {
            let position = limb * 52;
            let (word, shift) = (position / 64, position % 64);
            let next = if word < 6 { words[word + 1] } else { 0 };
            let pair = words[word] as u128 | (next as u128) << 64;
            limbs[limb] = (pair >> shift) as i64 & MASK;
            limb += 1;
        }
        limbs
    }

    const P: [[i64; 8]; 5] = [
        multiple(0),
        multiple(1),
        multiple(2),
        multiple(3),
        multiple(4),
    ];

    /// -1/p mod 2^52, by Newton's iteration.
    const INVERSE: i64 = {
        let p = MODULUS[0];
        let mut inverse = 1u64;
        let mut i = 0;
        while i < 6 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(p.wrapping_mul(inverse)));
            i += 1;
        }
        inverse.wrapping_neg() as i64 & MASK
    };

    #[inline(always)]
    unsafe fn set(value: i64) -> __m512i {
        _mm512_set1_epi64(value)
    }

    /// Limbs into 0..2^52; limbs may be negative, the number may not.
    #[inline(always)]
    unsafe fn carry(mut limbs: [__m512i; 8]) -> Eight {
        let mask = set(MASK);
        for i in 0..7 {
            limbs[i + 1] = _mm512_add_epi64(limbs[i + 1], _mm512_srai_epi64::<52>(limbs[i]));
            limbs[i] = _mm512_and_si512(limbs[i], mask);
        }
        Eight(limbs)
    }

    /// a - b + count · p.
    #[inline(always)]
    unsafe fn difference(a: &Eight, b: &Eight, count: usize) -> Eight {
        carry(from_fn(|i| {
            _mm512_add_epi64(_mm512_sub_epi64(a.0[i], b.0[i]), set(P[count][i]))
        }))
    }

    #[inline(always)]
    unsafe fn sum(a: &Eight, b: &Eight) -> Eight {
        carry(from_fn(|i| _mm512_add_epi64(a.0[i], b.0[i])))
    }

    /// Subtracts count · p in the lanes that are not below it.
    #[inline(always)]
    unsafe fn reduce(a: &Eight, count: usize) -> Eight {
        let reduced = carry(from_fn(|i| _mm512_sub_epi64(a.0[i], set(P[count][i]))));
        let negative = _mm512_movepi64_mask_f(reduced.0[7]);
        Eight(from_fn(|i| {
            _mm512_mask_blend_epi64(negative, reduced.0[i], a.0[i])
        }))
    }

    /// Lanes below zero. (`_mm512_movepi64_mask` would need AVX-512DQ.)
    #[inline(always)]
    unsafe fn _mm512_movepi64_mask_f(a: __m512i) -> __mmask8 {
        _mm512_cmplt_epi64_mask(a, _mm512_setzero_si512())
    }

    /// Montgomery product; a function of its own, since it is 300 instructions.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline(never)]
    #[allow(clippy::needless_range_loop)] // three arrays side by side
    unsafe fn product(a: &Eight, b: &Eight) -> Eight {
        let zero = _mm512_setzero_si512();
        let p: [__m512i; 8] = from_fn(|i| set(P[1][i]));
        let inverse = set(INVERSE);
        let mut limbs = [zero; 8];
        for i in 0..8 {
            let factor = b.0[i];
            for j in 0..8 {
                limbs[j] = _mm512_madd52lo_epu64(limbs[j], a.0[j], factor);
            }
            let quotient = _mm512_madd52lo_epu64(zero, limbs[0], inverse);
            for j in 0..8 {
                limbs[j] = _mm512_madd52lo_epu64(limbs[j], p[j], quotient);
            }
            let low = _mm512_srli_epi64::<52>(limbs[0]);
            for j in 0..7 {
                limbs[j] = limbs[j + 1];
            }
            limbs[0] = _mm512_add_epi64(limbs[0], low);
            limbs[7] = zero;
            for j in 0..8 {
                limbs[j] = _mm512_madd52hi_epu64(limbs[j], a.0[j], factor);
            }
            for j in 0..8 {
                limbs[j] = _mm512_madd52hi_epu64(limbs[j], p[j], quotient);
            }
        }
        carry(limbs)
    }

    /// Eight rows of eight words into columns.
    #[inline(always)]
    unsafe fn transpose(r: [__m512i; 8]) -> [__m512i; 8] {
        let even = [
            _mm512_unpacklo_epi64(r[0], r[1]),
            _mm512_unpacklo_epi64(r[2], r[3]),
            _mm512_unpacklo_epi64(r[4], r[5]),
            _mm512_unpacklo_epi64(r[6], r[7]),
        ];
        let odd = [
            _mm512_unpackhi_epi64(r[0], r[1]),
            _mm512_unpackhi_epi64(r[2], r[3]),
            _mm512_unpackhi_epi64(r[4], r[5]),
            _mm512_unpackhi_epi64(r[6], r[7]),
        ];
        let [c0, c2, c4, c6] = transpose_pairs(even);
        let [c1, c3, c5, c7] = transpose_pairs(odd);
        [c0, c1, c2, c3, c4, c5, c6, c7]
    }

    #[inline(always)]
    unsafe fn transpose_pairs(a: [__m512i; 4]) -> [__m512i; 4] {
        let s0 = _mm512_shuffle_i64x2::<0x88>(a[0], a[1]);
        let s1 = _mm512_shuffle_i64x2::<0xdd>(a[0], a[1]);
        let s2 = _mm512_shuffle_i64x2::<0x88>(a[2], a[3]);
        let s3 = _mm512_shuffle_i64x2::<0xdd>(a[2], a[3]);
        [
            _mm512_shuffle_i64x2::<0x88>(s0, s2),
            _mm512_shuffle_i64x2::<0x88>(s1, s3),
            _mm512_shuffle_i64x2::<0xdd>(s0, s2),
            _mm512_shuffle_i64x2::<0xdd>(s1, s3),
        ]
    }

    /// Six words per lane into eight limbs.
    #[inline(always)]
    unsafe fn unpack(w: [__m512i; 6]) -> Eight {
        let mask = set(MASK);
        macro_rules! limb {
            ($low:expr, $right:literal) => {
                _mm512_and_si512(_mm512_srli_epi64::<$right>($low), mask)
            };
            ($low:expr, $right:literal, $high:expr, $left:literal) => {
                _mm512_and_si512(
                    _mm512_or_si512(
                        _mm512_srli_epi64::<$right>($low),
                        _mm512_slli_epi64::<$left>($high),
                    ),
                    mask,
                )
            };
        }
        Eight([
            _mm512_and_si512(w[0], mask),
            limb!(w[0], 52, w[1], 12),
            limb!(w[1], 40, w[2], 24),
            limb!(w[2], 28, w[3], 36),
            limb!(w[3], 16, w[4], 48),
            limb!(w[4], 4),
            limb!(w[4], 56, w[5], 8),
            limb!(w[5], 44),
        ])
    }

    /// The reverse of [`unpack`]; elements must be below 2^384.
    #[inline(always)]
    unsafe fn pack(l: &Eight) -> [__m512i; 6] {
        let l = &l.0;
        macro_rules! word {
            ($low:expr, $right:literal, $high:expr, $left:literal) => {
                _mm512_or_si512(
                    _mm512_srli_epi64::<$right>($low),
                    _mm512_slli_epi64::<$left>($high),
                )
            };
        }
        [
            word!(l[0], 0, l[1], 52),
            word!(l[1], 12, l[2], 40),
            word!(l[2], 24, l[3], 28),
            word!(l[3], 36, l[4], 16),
            _mm512_or_si512(word!(l[4], 48, l[5], 4), _mm512_slli_epi64::<56>(l[6])),
            word!(l[6], 8, l[7], 44),
        ]
    }

    /// One element per lane, six words at each pointer; reads 64 bytes.
    #[inline(always)]
    unsafe fn load_wide(elements: [*const u64; 8]) -> Eight {
        let c = transpose(from_fn(|lane| _mm512_loadu_si512(elements[lane].cast())));
        unpack([c[0], c[1], c[2], c[3], c[4], c[5]])
    }

    /// As [`load_wide`], but reads the 64 bytes that end with the element.
    #[inline(always)]
    unsafe fn load_wide_last(elements: [*const u64; 8]) -> Eight {
        let c = transpose(from_fn(|lane| {
            _mm512_loadu_si512(elements[lane].sub(2).cast())
        }));
        unpack([c[2], c[3], c[4], c[5], c[6], c[7]])
    }

    #[inline(always)]
    unsafe fn store_wide(elements: [*mut u64; 8], value: &Eight) {
        let w = pack(value);
        let zero = _mm512_setzero_si512();
        let rows = transpose([w[0], w[1], w[2], w[3], w[4], w[5], zero, zero]);
        for (element, row) in elements.iter().zip(rows) {
            _mm512_mask_storeu_epi64(element.cast(), 0x3f, row);
        }
    }

    #[inline(always)]
    fn elements<P>(points: &[*const P], index: usize) -> [*const u64; 8] {
        from_fn(|lane| points[lane].cast::<u64>().wrapping_add(6 * index))
    }

    #[inline(always)]
    fn elements_mut<P>(points: &[*mut P], index: usize) -> [*mut u64; 8] {
        from_fn(|lane| points[lane].cast::<u64>().wrapping_add(6 * index))
    }

    /// Limbs of one, times 2^416 mod p.
    #[inline(always)]
    unsafe fn one() -> Eight {
        let mut words = power_of_two(0).l;
        import(&mut words);
        unpack(from_fn(|i| set(words[i] as i64)))
    }

    /// Inverse of every lane with one inversion of a single element.
    #[inline(never)]
    #[target_feature(enable = "avx512f,avx512ifma")]
    unsafe fn invert_lanes(a: &Eight) -> Option<Eight> {
        let mut words = [[0u64; 6]; 8];
        store_wide(from_fn(|lane| words[lane].as_mut_ptr()), a);
        for element in &mut words {
            while !is_below(element, &MODULUS) {
                subtract_modulus(element);
            }
            if *element == [0; 6] {
                return None;
            }
        }
        // An element v is stored as v · 2^416, which blst reads as v · 2^32; its inverse must become v^-1 · 2^32: a factor of 2^64.
        let mut products = [words[0]; 8];
        for lane in 1..8 {
            products[lane] = products[lane - 1];
            multiply_by(&mut products[lane], &blst_fp { l: words[lane] });
        }
        let mut inverse = blst_fp::default();
        blst_fp_inverse(&mut inverse, &blst_fp { l: products[7] });
        let mut inverse = inverse.l;
        let mut out = [[0u64; 8]; 8];
        for lane in (0..8).rev() {
            let mut element = inverse;
            if lane > 0 {
                multiply_by(
                    &mut element,
                    &blst_fp {
                        l: products[lane - 1],
                    },
                );
                multiply_by(&mut inverse, &blst_fp { l: words[lane] });
            }
            import(&mut element);
            import(&mut element);
            out[lane][..6].copy_from_slice(&element);
        }
        Some(load_wide(from_fn(|lane| out[lane].as_ptr())))
    }

    /// Coordinates of G1.
    pub(crate) struct IfmaG1;

    impl Lanes for IfmaG1 {
        type Point = G1;
        const COUNT: usize = 8;
        type Value = Eight;

        #[inline(always)]
        unsafe fn one() -> Eight {
            one()
        }

        #[inline(always)]
        unsafe fn load_x(points: &[*const G1]) -> Eight {
            load_wide(elements(points, 0))
        }

        #[inline(always)]
        unsafe fn load(points: &[*const G1]) -> (Eight, Eight) {
            (
                load_wide(elements(points, 0)),
                load_wide_last(elements(points, 1)),
            )
        }

        #[inline(always)]
        unsafe fn store(points: &[*mut G1], x: &Eight, y: &Eight) {
            store_wide(elements_mut(points, 0), x);
            store_wide(elements_mut(points, 1), y);
        }

        #[inline(always)]
        unsafe fn multiply(a: &Eight, b: &Eight) -> Eight {
            product(a, b)
        }

        #[inline(always)]
        unsafe fn square(a: &Eight) -> Eight {
            product(a, a)
        }

        #[inline(always)]
        unsafe fn subtract(a: &Eight, b: &Eight) -> Eight {
            difference(a, b, 2)
        }

        #[inline(always)]
        unsafe fn subtract_signed(a: &Eight, b: &Eight, negative: u8) -> Eight {
            subtract_signed(a, b, negative)
        }

        #[inline(always)]
        unsafe fn third_x(square: &Eight, x1: &Eight, x2: &Eight) -> Eight {
            let x = difference_of_three(square, x1, x2, 2);
            reduce(&reduce(&x, 2), 1)
        }

        #[inline(always)]
        unsafe fn third_y(product: &Eight, y1: &Eight) -> Eight {
            reduce(&difference(product, y1, 2), 2)
        }

        #[inline(always)]
        unsafe fn invert(a: &Eight) -> Option<Eight> {
            invert_lanes(a)
        }

        fn import(point: &mut G1) {
            point.elements().iter_mut().for_each(import);
        }

        fn export(point: &mut G1) {
            point.elements().iter_mut().for_each(export);
        }
    }

    /// ±a - b + 2p, or more; a and b below 2p.
    #[inline(always)]
    unsafe fn subtract_signed(a: &Eight, b: &Eight, negative: u8) -> Eight {
        carry(from_fn(|i| {
            let two = set(P[2][i]);
            let signed = _mm512_mask_sub_epi64(a.0[i], negative, two, a.0[i]);
            _mm512_add_epi64(_mm512_sub_epi64(signed, b.0[i]), two)
        }))
    }

    #[inline(always)]
    unsafe fn difference_of_three(a: &Eight, b: &Eight, c: &Eight, count: usize) -> Eight {
        carry(from_fn(|i| {
            let subtrahend = _mm512_add_epi64(b.0[i], c.0[i]);
            _mm512_add_epi64(_mm512_sub_epi64(a.0[i], subtrahend), set(P[count][i]))
        }))
    }

    /// Eight elements of the quadratic extension.
    #[derive(Clone, Copy)]
    pub(crate) struct EightPairs(Eight, Eight);

    /// Coordinates of G2. A product's parts stay below 4.1p: three products of one field, their differences made positive.
    pub(crate) struct IfmaG2;

    impl IfmaG2 {
        #[inline(always)]
        unsafe fn each(a: &EightPairs, f: impl Fn(&Eight) -> Eight) -> EightPairs {
            EightPairs(f(&a.0), f(&a.1))
        }
    }

    impl Lanes for IfmaG2 {
        type Point = G2;
        const COUNT: usize = 8;
        type Value = EightPairs;

        #[inline(always)]
        unsafe fn one() -> EightPairs {
            EightPairs(one(), Eight([_mm512_setzero_si512(); 8]))
        }

        #[inline(always)]
        unsafe fn load_x(points: &[*const G2]) -> EightPairs {
            EightPairs(
                load_wide(elements(points, 0)),
                load_wide(elements(points, 1)),
            )
        }

        #[inline(always)]
        unsafe fn load(points: &[*const G2]) -> (EightPairs, EightPairs) {
            (
                Self::load_x(points),
                EightPairs(
                    load_wide(elements(points, 2)),
                    load_wide_last(elements(points, 3)),
                ),
            )
        }

        #[inline(always)]
        unsafe fn store(points: &[*mut G2], x: &EightPairs, y: &EightPairs) {
            for (index, value) in [&x.0, &x.1, &y.0, &y.1].into_iter().enumerate() {
                store_wide(elements_mut(points, index), value);
            }
        }

        #[inline(always)]
        unsafe fn multiply(a: &EightPairs, b: &EightPairs) -> EightPairs {
            let real = product(&a.0, &b.0);
            let imaginary = product(&a.1, &b.1);
            let both = product(&sum(&a.0, &a.1), &sum(&b.0, &b.1));
            EightPairs(
                difference(&real, &imaginary, 2),
                difference_of_three(&both, &real, &imaginary, 3),
            )
        }

        #[inline(always)]
        unsafe fn square(a: &EightPairs) -> EightPairs {
            // (a0 + a1)(a0 - a1) and 2 a0 a1; parts of a are below 5p.
            let imaginary = product(&a.0, &a.1);
            EightPairs(
                product(&sum(&a.0, &a.1), &difference_wide(&a.0, &a.1)),
                sum(&imaginary, &imaginary),
            )
        }

        #[inline(always)]
        unsafe fn subtract(a: &EightPairs, b: &EightPairs) -> EightPairs {
            EightPairs(difference(&a.0, &b.0, 2), difference(&a.1, &b.1, 2))
        }

        #[inline(always)]
        unsafe fn subtract_signed(a: &EightPairs, b: &EightPairs, negative: u8) -> EightPairs {
            EightPairs(
                subtract_signed(&a.0, &b.0, negative),
                subtract_signed(&a.1, &b.1, negative),
            )
        }

        #[inline(always)]
        unsafe fn third_x(square: &EightPairs, x1: &EightPairs, x2: &EightPairs) -> EightPairs {
            let x = EightPairs(
                difference_of_three(&square.0, &x1.0, &x2.0, 2),
                difference_of_three(&square.1, &x1.1, &x2.1, 2),
            );
            Self::each(&x, |x| reduce(&reduce(&reduce(x, 4), 2), 1))
        }

        #[inline(always)]
        unsafe fn third_y(product: &EightPairs, y1: &EightPairs) -> EightPairs {
            let y = EightPairs(
                difference(&product.0, &y1.0, 2),
                difference(&product.1, &y1.1, 2),
            );
            Self::each(&y, |y| reduce(&reduce(y, 4), 2))
        }

        #[inline(always)]
        unsafe fn invert(a: &EightPairs) -> Option<EightPairs> {
            // (a0 - a1 i) / (a0^2 + a1^2)
            let norm = sum(&product(&a.0, &a.0), &product(&a.1, &a.1));
            let inverse = invert_lanes(&norm)?;
            let zero = Eight([_mm512_setzero_si512(); 8]);
            Some(EightPairs(
                product(&a.0, &inverse),
                difference(&zero, &product(&a.1, &inverse), 2),
            ))
        }

        fn import(point: &mut G2) {
            point.elements().iter_mut().for_each(import);
        }

        fn export(point: &mut G2) {
            point.elements().iter_mut().for_each(export);
        }
    }

    /// a - b + 8p, for parts of products.
    #[inline(always)]
    unsafe fn difference_wide(a: &Eight, b: &Eight) -> Eight {
        const EIGHT_P: [i64; 8] = multiple(8);
        carry(from_fn(|i| {
            _mm512_add_epi64(_mm512_sub_epi64(a.0[i], b.0[i]), set(EIGHT_P[i]))
        }))
    }
}
