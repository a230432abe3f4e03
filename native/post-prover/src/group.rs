//! The two groups, as far as multi-exponentiation needs them: affine points as plain words, and blst's Jacobian sums.

use blst::*;

/// A point in affine coordinates: x then y, each coordinate's words little-endian. Never the point at infinity.
///
/// The words are in Montgomery form with the factor 2^384 (blst's) or 2^416 (that of [`crate::ifma`]); who holds points knows which.
pub trait Affine: Copy + Send + Sync + PartialEq + 'static {
    /// Words of one coordinate.
    const WORDS: usize;
    /// All zero, a placeholder.
    const ZERO: Self;
    /// The Jacobian point of blst.
    type Sum: Copy + Send + Sync;

    /// Words of x.
    fn x(&self) -> &[u64];
    /// Every base field element of the point.
    fn elements(&mut self) -> &mut [[u64; 6]];
    /// Neutral element.
    fn infinity() -> Self::Sum;
    /// `sum += point`, the point in blst's form.
    fn add_point(sum: &mut Self::Sum, point: &Self);
    /// `sum += other`, whatever they are.
    fn add(sum: &mut Self::Sum, other: &Self::Sum);
    /// `sum *= 2^count`.
    fn double(sum: &mut Self::Sum, count: usize);
    /// `sum * scalar` with 32 little-endian bytes.
    fn multiply(sum: &Self::Sum, scalar: &[u8; 32]) -> Self::Sum;
    /// In blst's form; `None` for infinity.
    fn to_affine(sum: &Self::Sum) -> Option<Self>;
    /// -point, in either form; y must be fully reduced.
    fn negate(&mut self);
    /// Whether the equation of the curve holds. In blst's form.
    fn is_on_curve(&self) -> bool;
}

macro_rules! group {
    ($(#[$doc:meta])* $name:ident, $words:literal, $affine:ident, $jacobian:ident, $add_affine:ident, $add:ident, $double:ident, $mult:ident,
     $to_affine:ident, $is_inf:ident, $on_curve:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(C)]
        pub struct $name(pub(crate) [[u64; 6]; 2 * $words / 6]);

        impl $name {
            fn blst(&self) -> &$affine {
                // SAFETY: both are the same words in the same order.
                unsafe { &*std::ptr::from_ref(self).cast::<$affine>() }
            }
        }

        impl From<$affine> for $name {
            fn from(point: $affine) -> Self {
                // SAFETY: both are the same words in the same order.
                unsafe { std::mem::transmute::<$affine, Self>(point) }
            }
        }

        impl Affine for $name {
            const WORDS: usize = $words;
            const ZERO: Self = Self([[0; 6]; 2 * $words / 6]);
            type Sum = $jacobian;

            #[inline]
            fn x(&self) -> &[u64] {
                &self.0.as_flattened()[..$words]
            }

            fn elements(&mut self) -> &mut [[u64; 6]] {
                &mut self.0
            }

            fn infinity() -> $jacobian {
                $jacobian::default()
            }

            fn add_point(sum: &mut $jacobian, point: &Self) {
                // SAFETY: valid pointers; blst allows the output to be an input.
                unsafe { $add_affine(sum, sum, point.blst()) }
            }

            fn add(sum: &mut $jacobian, other: &$jacobian) {
                // SAFETY: as above.
                unsafe { $add(sum, sum, other) }
            }

            fn double(sum: &mut $jacobian, count: usize) {
                for _ in 0..count {
                    // SAFETY: as above.
                    unsafe { $double(sum, sum) }
                }
            }

            fn multiply(sum: &$jacobian, scalar: &[u8; 32]) -> $jacobian {
                let mut product = $jacobian::default();
                // SAFETY: valid pointers, and 255 bits lie within 32 bytes.
                unsafe { $mult(&mut product, sum, scalar.as_ptr(), 255) }
                product
            }

            fn to_affine(sum: &$jacobian) -> Option<Self> {
                // SAFETY: valid pointers.
                unsafe {
                    if $is_inf(sum) {
                        return None;
                    }
                    let mut point = $affine::default();
                    $to_affine(&mut point, sum);
                    Some(point.into())
                }
            }

            fn negate(&mut self) {
                let [_, y] = self.0.as_chunks_mut::<{ $words / 6 }>().0 else {
                    unreachable!("two coordinates")
                };
                for element in y {
                    let mut negated = blst_fp::default();
                    // SAFETY: valid pointers.
                    unsafe { blst_fp_cneg(&mut negated, &blst_fp { l: *element }, true) };
                    *element = negated.l;
                }
            }

            fn is_on_curve(&self) -> bool {
                // SAFETY: valid pointer.
                unsafe { $on_curve(self.blst()) }
            }
        }
    };
}

group!(
    /// Over the base field.
    G1, 6, blst_p1_affine, blst_p1, blst_p1_add_or_double_affine, blst_p1_add_or_double, blst_p1_double, blst_p1_mult,
    blst_p1_to_affine, blst_p1_is_inf, blst_p1_affine_on_curve
);
group!(
    /// Over the quadratic extension.
    G2, 12, blst_p2_affine, blst_p2, blst_p2_add_or_double_affine, blst_p2_add_or_double, blst_p2_double, blst_p2_mult,
    blst_p2_to_affine, blst_p2_is_inf, blst_p2_affine_on_curve
);

const _: () = assert!(
    size_of::<G1>() == size_of::<blst_p1_affine>()
        && size_of::<G2>() == size_of::<blst_p2_affine>()
);
