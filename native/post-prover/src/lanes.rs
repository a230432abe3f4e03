//! What the addition of many affine points asks of field arithmetic, one or several elements at a time.

use crate::group::Affine;

/// Field arithmetic on `COUNT` elements side by side.
///
/// The functions for points know the bounds that lazy reduction needs; generic code only passes values from one to the next.
///
/// # Safety
/// Implementations may use instructions that the processor lacks: whoever calls checks first. Pointers must be valid points in the
/// implementation's form.
pub(crate) trait Lanes: 'static {
    /// The group whose coordinates these are.
    type Point: Affine;
    /// Elements side by side.
    const COUNT: usize;
    /// `COUNT` field elements.
    type Value: Copy;

    /// One in every lane.
    unsafe fn one() -> Self::Value;
    /// x of each point.
    unsafe fn load_x(points: &[*const Self::Point]) -> Self::Value;
    /// x and y of each point.
    unsafe fn load(points: &[*const Self::Point]) -> (Self::Value, Self::Value);
    /// Stores points made by [`Lanes::third_x`] and [`Lanes::third_y`].
    unsafe fn store(points: &[*mut Self::Point], x: &Self::Value, y: &Self::Value);
    /// Product.
    unsafe fn multiply(a: &Self::Value, b: &Self::Value) -> Self::Value;
    /// Square.
    unsafe fn square(a: &Self::Value) -> Self::Value;
    /// a - b of two coordinates.
    unsafe fn subtract(a: &Self::Value, b: &Self::Value) -> Self::Value;
    /// a - b, or -a - b in the lanes whose bit is set.
    unsafe fn subtract_signed(a: &Self::Value, b: &Self::Value, negative: u8) -> Self::Value;
    /// slope^2 - x1 - x2.
    unsafe fn third_x(square: &Self::Value, x1: &Self::Value, x2: &Self::Value) -> Self::Value;
    /// product - y1.
    unsafe fn third_y(product: &Self::Value, y1: &Self::Value) -> Self::Value;
    /// Inverse of each lane; `None` if one is zero.
    unsafe fn invert(a: &Self::Value) -> Option<Self::Value>;
    /// From blst's form into this one.
    fn import(point: &mut Self::Point);
    /// From this form into blst's.
    fn export(point: &mut Self::Point);
}
