//! Which variables of a sector block occur in the A and B polynomials.
//!
//! Parameters hold points for these variables only, so the prover must skip the others in the same places. The pattern follows from
//! the rows that [`crate::synthesis`] writes; every block has the same.

use crate::Circuit;

/// Offsets in a block, ascending.
pub struct Density {
    /// Occurring in A.
    pub a: Vec<u32>,
    /// Occurring in B.
    pub b: Vec<u32>,
}

impl Density {
    /// The pattern of one block.
    pub fn of(circuit: &Circuit) -> Self {
        let mut density = Writer {
            a: Vec::new(),
            b: Vec::new(),
            next: 0,
        };
        density.push(true, true); // comm_r_last, hashed
        density.push(true, true); // comm_c, hashed
        density.push(true, false); // comm_r, compared
        density.poseidon::<3>(55, false); // compared on the right-hand side
        for _ in 0..circuit.challenges {
            density.push(true, false); // leaf, picked
            for _ in 0..circuit.oct_levels() {
                density.oct_level();
            }
            if circuit.shape.top {
                density.push(true, true); // index bit
                density.push(true, false); // sibling
                density.repeat(2, true, true); // picked and hashed
                density.poseidon::<3>(55, true);
            }
        }
        assert_eq!(density.next as usize, circuit.block_aux());
        Self {
            a: density.a,
            b: density.b,
        }
    }
}

struct Writer {
    a: Vec<u32>,
    b: Vec<u32>,
    next: u32,
}

impl Writer {
    fn push(&mut self, a: bool, b: bool) {
        if a {
            self.a.push(self.next);
        }
        if b {
            self.b.push(self.next);
        }
        self.next += 1;
    }

    fn repeat(&mut self, count: usize, a: bool, b: bool) {
        for _ in 0..count {
            self.push(a, b);
        }
    }

    fn oct_level(&mut self) {
        self.repeat(3, true, true); // index bits
        self.repeat(7, true, false); // siblings
        self.push(false, true); // neither low bit
        self.push(false, true); // both low bits
        for picks in [2, 3, 3, 2, 2, 3, 3, 2] {
            self.repeat(picks - 1, true, false); // picked again
            self.push(true, true); // hashed
        }
        self.poseidon::<9>(57, true);
    }

    fn poseidon<const W: usize>(&mut self, partial_rounds: usize, result_in_a: bool) {
        for _ in 1..W {
            self.powers();
        }
        for _ in 0..7 * W + partial_rounds {
            self.push(true, true); // input
            self.powers();
        }
        self.push(result_in_a, false);
    }

    fn powers(&mut self) {
        self.push(true, true); // second, squared
        self.push(false, true); // fourth, right factor
        self.push(true, false); // fifth, in the next input
    }
}
