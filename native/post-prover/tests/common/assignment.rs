//! The library's `ProvingAssignment`, which is private: evaluates every linear combination and tracks densities as it does.

use bellperson::{Circuit, ConstraintSystem, Index, LinearCombination, SynthesisError, Variable};
use blstrs::Scalar;
use ff::Field;

#[derive(Default)]
pub struct Assignment {
    pub a: Vec<Scalar>,
    pub b: Vec<Scalar>,
    pub c: Vec<Scalar>,
    pub a_density: Vec<bool>,
    pub b_density: Vec<bool>,
    pub b_input_density: Vec<bool>,
    pub inputs: Vec<Scalar>,
    pub aux: Vec<Scalar>,
}

impl Assignment {
    /// Synthesises as the library's prover does, the rows of the inputs included.
    pub fn of(circuit: impl Circuit<Scalar>) -> Self {
        let mut assignment = <Self as ConstraintSystem<Scalar>>::new();
        assignment.alloc_input(|| "", || Ok(Scalar::ONE)).unwrap();
        circuit.synthesize(&mut assignment).unwrap();
        for i in 0..assignment.inputs.len() {
            let input = Variable::new_unchecked(Index::Input(i));
            assignment.enforce(|| "", |lc| lc + input, |lc| lc, |lc| lc);
        }
        assignment
    }

    fn evaluate(
        &mut self,
        lc: &LinearCombination<Scalar>,
        mut density: impl FnMut(&mut Self, Index),
    ) -> Scalar {
        let mut sum = Scalar::ZERO;
        for (variable, factor) in lc.iter() {
            if bool::from(factor.is_zero()) {
                continue;
            }
            let index = variable.get_unchecked();
            let value = match index {
                Index::Input(i) => self.inputs[i],
                Index::Aux(i) => self.aux[i],
            };
            sum += if *factor == Scalar::ONE {
                value
            } else {
                value * factor
            };
            density(self, index);
        }
        sum
    }
}

impl ConstraintSystem<Scalar> for Assignment {
    type Root = Self;

    fn new() -> Self {
        Self::default()
    }

    fn alloc<F, A, AR>(&mut self, _: A, f: F) -> Result<Variable, SynthesisError>
    where
        F: FnOnce() -> Result<Scalar, SynthesisError>,
        A: FnOnce() -> AR,
        AR: Into<String>,
    {
        self.aux.push(f()?);
        self.a_density.push(false);
        self.b_density.push(false);
        Ok(Variable::new_unchecked(Index::Aux(self.aux.len() - 1)))
    }

    fn alloc_input<F, A, AR>(&mut self, _: A, f: F) -> Result<Variable, SynthesisError>
    where
        F: FnOnce() -> Result<Scalar, SynthesisError>,
        A: FnOnce() -> AR,
        AR: Into<String>,
    {
        self.inputs.push(f()?);
        self.b_input_density.push(false);
        Ok(Variable::new_unchecked(Index::Input(self.inputs.len() - 1)))
    }

    fn enforce<A, AR, LA, LB, LC>(&mut self, _: A, a: LA, b: LB, c: LC)
    where
        A: FnOnce() -> AR,
        AR: Into<String>,
        LA: FnOnce(LinearCombination<Scalar>) -> LinearCombination<Scalar>,
        LB: FnOnce(LinearCombination<Scalar>) -> LinearCombination<Scalar>,
        LC: FnOnce(LinearCombination<Scalar>) -> LinearCombination<Scalar>,
    {
        let a = self.evaluate(&a(LinearCombination::zero()), |this, index| {
            if let Index::Aux(i) = index {
                this.a_density[i] = true;
            }
        });
        let b = self.evaluate(&b(LinearCombination::zero()), |this, index| match index {
            Index::Input(i) => this.b_input_density[i] = true,
            Index::Aux(i) => this.b_density[i] = true,
        });
        let c = self.evaluate(&c(LinearCombination::zero()), |_, _| {});
        self.a.push(a);
        self.b.push(b);
        self.c.push(c);
    }

    fn push_namespace<NR, N>(&mut self, _: N)
    where
        NR: Into<String>,
        N: FnOnce() -> NR,
    {
    }

    fn pop_namespace(&mut self) {}

    fn get_root(&mut self) -> &mut Self {
        self
    }
}
