//! Where one sector block writes its variables and rows.

use blstrs::Scalar;

use crate::assignment::Variable;

/// The block's part of the reused memory of a proof.
pub(crate) struct Trace<'a, V> {
    a: &'a mut [Scalar],
    b: &'a mut [Scalar],
    c: &'a mut [Scalar],
    aux: &'a mut [V],
    inputs: &'a mut [Scalar],
    row: usize,
    variable: usize,
    input: usize,
}

impl<'a, V: Variable> Trace<'a, V> {
    pub(crate) fn new(
        a: &'a mut [Scalar],
        b: &'a mut [Scalar],
        c: &'a mut [Scalar],
        aux: &'a mut [V],
        inputs: &'a mut [Scalar],
    ) -> Self {
        Self {
            a,
            b,
            c,
            aux,
            inputs,
            row: 0,
            variable: 0,
            input: 0,
        }
    }

    #[inline]
    pub(crate) fn alloc(&mut self, value: &Scalar) {
        self.aux[self.variable] = V::of(value);
        self.variable += 1;
    }

    #[inline]
    pub(crate) fn input(&mut self, value: &Scalar) {
        self.inputs[self.input] = *value;
        self.input += 1;
    }

    /// Values of the three linear combinations of the next constraint.
    #[inline]
    pub(crate) fn row(&mut self, a: &Scalar, b: &Scalar, c: &Scalar) {
        self.a[self.row] = *a;
        self.b[self.row] = *b;
        self.c[self.row] = *c;
        self.row += 1;
    }

    /// Panics unless everything was written: a gap would be a wrong proof.
    pub(crate) fn finish(self) {
        assert_eq!(self.row, self.a.len(), "rows of the block");
        assert_eq!(self.variable, self.aux.len(), "variables of the block");
        assert_eq!(self.input, self.inputs.len(), "inputs of the block");
    }
}
