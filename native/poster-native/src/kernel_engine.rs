//! Our synthesis before the library's kernels: what a process with GPUs uses of our own prover. A statement is assigned and proven apart,
//! so that the next one can be assigned while the device is busy with this one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use frames::ProofType;
use post_prover::{Assignment, Circuit, Randomisers, PROOF_BYTES};
use proofs_core::{KernelProver, MappedParameters};

use crate::own_engine::{with_blocks, Partition};

/// Assignments whose memory is kept: one that is proven and one that is made meanwhile.
const SPARE_MAX: usize = 2;

/// The provers of one process, and memory for its statements.
#[derive(Default)]
pub struct KernelEngine {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    provers: BTreeMap<u64, Arc<KernelProver>>,
    spare: Vec<Assignment<[u8; 32]>>,
}

/// A statement with its variables and rows, ready for the kernels.
pub struct Assigned {
    prover: Arc<KernelProver>,
    assignment: Assignment<[u8; 32]>,
}

impl KernelEngine {
    /// Synthesis. Parts of it that are told: `on_synthesis`, when the vanilla proofs are parsed.
    pub fn assign(
        &self,
        partition: &Partition<'_>,
        parameters: &Arc<MappedParameters>,
        on_synthesis: impl FnOnce(),
    ) -> Result<Assigned, String> {
        let circuit = Circuit::of(partition.proof_type);
        let prover = self.prover(partition.proof_type, &circuit, parameters);
        let mut assignment = self.take_spare(&circuit);
        with_blocks(partition, &circuit, |blocks| {
            on_synthesis();
            assignment
                .synthesize(blocks)
                .map_err(|error| error.to_string())
        })?;
        Ok(Assigned { prover, assignment })
    }

    /// Transforms and multi-exponentiations.
    pub fn prove(
        &self,
        mut assigned: Assigned,
        randomisers: &Randomisers,
    ) -> Result<[u8; PROOF_BYTES], String> {
        let words = randomisers.words();
        let proof = assigned
            .prover
            .prove(&mut assigned.assignment, &words)
            .map_err(|error| error.to_string())?;
        // After a failure its memory is in an unknown state, and is not kept.
        self.keep(assigned);
        Ok(proof)
    }

    /// Takes the memory of a statement back.
    pub fn keep(&self, assigned: Assigned) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.spare.len() == SPARE_MAX {
            state.spare.remove(0);
        }
        state.spare.push(assigned.assignment);
    }

    fn prover(
        &self,
        proof_type: ProofType,
        circuit: &Circuit,
        parameters: &Arc<MappedParameters>,
    ) -> Arc<KernelProver> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(KernelProver::new(circuit, Arc::clone(parameters)));
        let prover = state
            .provers
            .entry(proof_type.number())
            .or_insert_with(make);
        Arc::clone(prover)
    }

    fn take_spare(&self, circuit: &Circuit) -> Assignment<[u8; 32]> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |spare: &Assignment<[u8; 32]>| spare.circuit() == circuit;
        match state.spare.iter().position(fits) {
            Some(index) => state.spare.remove(index),
            None => {
                // One circuit's memory at a time: a partition of 32 GiB takes 17 GB.
                state.spare.clear();
                drop(state);
                Assignment::new(*circuit)
            }
        }
    }
}
