//! One partition being gathered: which slots are filled, what is in flight, who waits for it.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use frames::{challenges, parse_vanilla, Expected, ProofType, Randomness, Sector};
use proofs_core::{check_merkle, guarded};
use serde_json::{json, Value};

use super::spool::Spool;
use super::worker::{Blob, Workers};
use super::Jobs;
use crate::output::{shorten, Output};
use crate::system::spawn_essential;

/// What the proofs must be of.
pub struct Plan {
    /// Winning or window, and the size.
    pub proof_type: ProofType,
    /// Decides the challenges.
    pub randomness: Randomness,
    /// Slot i belongs to sector i.
    pub sectors: Vec<Sector>,
}

/// A job of mode `check`.
pub struct CheckJob {
    id: u32,
    plan: Plan,
    spool: Spool,
    output: Arc<Output>,
    jobs: Arc<Jobs>,
    state: Mutex<State>,
}

struct State {
    slots: Vec<Slot>,
    /// Blobs queued or being checked, and the resuming thread while it runs.
    in_flight: usize,
    /// `end` requests that wait for `in_flight` to reach zero.
    ends: usize,
    /// `resume` was asked for and `resumed` not yet sent.
    resuming: bool,
    /// `drop` was asked for, with this `keep`.
    dropped: Option<bool>,
}

#[derive(Clone, Copy, PartialEq)]
enum Slot {
    Empty,
    /// A good proof is on its way to the file.
    Writing,
    Full,
}

/// Why a blob was refused.
struct Refused {
    code: &'static str,
    detail: String,
}

impl Refused {
    fn new(code: &'static str, detail: impl ToString) -> Self {
        Self {
            code,
            detail: detail.to_string(),
        }
    }
}

impl CheckJob {
    /// A job with empty slots.
    pub fn new(id: u32, plan: Plan, spool: Spool, output: Arc<Output>, jobs: Arc<Jobs>) -> Self {
        let state = State {
            slots: vec![Slot::Empty; spool.slots()],
            in_flight: 0,
            ends: 0,
            resuming: false,
            dropped: None,
        };
        Self {
            id,
            plan,
            spool,
            output,
            jobs,
            state: Mutex::new(state),
        }
    }

    /// True after `drop`.
    pub fn is_dropped(&self) -> bool {
        self.lock().dropped.is_some()
    }

    /// Counts a blob as in flight and tells its slot; refuses it at once if the sector is not asked for.
    pub fn enter(&self, sector: u64, tag: u32) -> Option<usize> {
        let slot = self
            .plan
            .sectors
            .binary_search_by_key(&sector, |entry| entry.number);
        match slot {
            Ok(slot) => {
                self.lock().in_flight += 1;
                Some(slot)
            }
            Err(_) => {
                let refused = Refused::new("not-asked", "the sector is not in the list");
                self.output
                    .send(self.refusal(sector, tag, &refused, 0), &[]);
                None
            }
        }
    }

    /// Answers `end` when nothing is in flight.
    pub fn end(&self) {
        self.lock().ends += 1;
        self.settle();
    }

    /// Closes the job when nothing is in flight; blobs that wait are thrown away.
    pub fn drop_spool(&self, keep: bool) {
        self.lock().dropped = Some(keep);
        self.settle();
    }

    /// Checks what an existing file holds, on a thread of its own: it feeds the same bounded queue as stdin does.
    pub fn resume(self: &Arc<Self>, found: bool, workers: &Arc<Workers>) {
        {
            let mut state = self.lock();
            state.resuming = true;
            state.in_flight += 1;
        }
        let (job, workers) = (Arc::clone(self), Arc::clone(workers));
        spawn_essential(move || {
            if found {
                job.feed_slots(&workers);
            }
            job.leave();
        });
    }

    fn feed_slots(self: &Arc<Self>, workers: &Workers) {
        for slot in 0..self.spool.slots() {
            if self.is_dropped() {
                return;
            }
            match self.spool.read(slot) {
                Ok(bytes) if bytes.iter().all(|byte| *byte == 0) => {}
                Ok(bytes) => {
                    self.lock().in_flight += 1;
                    workers.push(Blob {
                        job: Arc::clone(self),
                        slot,
                        tag: 0,
                        bytes,
                        resumed: true,
                    });
                }
                // An unreadable slot stays empty and is gathered again.
                Err(error) => log::warn!("job {}: slot {slot} cannot be read: {error}", self.id),
            }
        }
    }

    /// Checks one blob and answers it: a worker thread's duty.
    pub fn check(&self, blob: &Blob) {
        if !self.is_dropped() {
            let start = Instant::now();
            let result = self.judge(blob);
            let micros = start.elapsed().as_micros() as u64;
            self.answer(blob, &result, micros);
        }
        self.leave();
    }

    fn judge(&self, blob: &Blob) -> Result<(), Refused> {
        let duplicate = || Refused::new("duplicate", "the slot is already filled");
        if self.lock().slots[blob.slot] != Slot::Empty {
            return Err(duplicate());
        }
        self.inspect(blob)?;
        {
            let mut state = self.lock();
            if state.slots[blob.slot] != Slot::Empty {
                return Err(duplicate());
            }
            state.slots[blob.slot] = Slot::Writing;
        }
        let written = if blob.resumed {
            Ok(())
        } else {
            self.spool.write(blob.slot, &blob.bytes)
        };
        let (slot, result) = match written {
            Ok(()) => (Slot::Full, Ok(())),
            Err(error) => (Slot::Empty, Err(Refused::new("spool", error))),
        };
        self.lock().slots[blob.slot] = slot;
        result
    }

    fn inspect(&self, blob: &Blob) -> Result<(), Refused> {
        let sector = self.plan.sectors[blob.slot];
        let challenges = challenges(self.plan.proof_type, &self.plan.randomness, sector.number);
        let expected = Expected {
            layout: self.plan.proof_type.layout(),
            sector,
            challenges: &challenges,
        };
        // A thread that dies would shrink the pool for good, so a panic in the checks is an answer like any other.
        let result = guarded(|| {
            Ok(match parse_vanilla(&expected, &blob.bytes) {
                Ok(vanilla) => check_merkle(&vanilla, &sector)
                    .map_err(|error| Refused::new(error.code(), error)),
                Err(error) => Err(Refused::new(error.code(), error)),
            })
        });
        result.unwrap_or_else(|error| Err(Refused::new("panic", error)))
    }

    fn answer(&self, blob: &Blob, result: &Result<(), Refused>, micros: u64) {
        let sector = self.plan.sectors[blob.slot].number;
        match result {
            Ok(()) => {
                let mut header = json!({
                    "type": "checked", "job": self.id, "sector": sector,
                    "tag": blob.tag, "ok": true, "us": micros,
                });
                if blob.resumed {
                    header["resumed"] = Value::Bool(true);
                }
                self.output.send(header, &[]);
            }
            Err(refused) if blob.resumed => {
                log::warn!(
                    "job {}: slot {} held no good proof ({}), it is cleared",
                    self.id,
                    blob.slot,
                    refused.detail
                );
                self.clear(blob.slot);
            }
            Err(refused) => {
                let header = self.refusal(sector, blob.tag, refused, micros);
                self.output.send(header, &[]);
            }
        }
    }

    /// Zeroes a slot, unless a good proof has come for it meanwhile.
    fn clear(&self, slot: usize) {
        let state = self.lock();
        if state.slots[slot] == Slot::Empty {
            if let Err(error) = self.spool.clear(slot) {
                log::warn!("job {}: slot {slot} cannot be cleared: {error}", self.id);
            }
        }
    }

    fn refusal(&self, sector: u64, tag: u32, refused: &Refused, micros: u64) -> Value {
        json!({
            "type": "checked", "job": self.id, "sector": sector, "tag": tag, "ok": false,
            "code": refused.code, "detail": shorten(&refused.detail), "us": micros,
        })
    }

    fn leave(&self) {
        self.lock().in_flight -= 1;
        self.settle();
    }

    /// Sends what waited for nothing being in flight. Under the lock, so that no answer of the job comes after `dropped`.
    fn settle(&self) {
        let mut state = self.lock();
        if state.in_flight > 0 {
            return;
        }
        let good = state
            .slots
            .iter()
            .filter(|slot| **slot == Slot::Full)
            .count();
        if let Some(keep) = state.dropped {
            let removed = if keep { Ok(()) } else { self.spool.unlink() };
            if let Err(error) = removed.and(self.spool.unlock()) {
                log::warn!("job {}: the spool file is left behind: {error}", self.id);
            }
            self.jobs.remove(self.id);
            self.output
                .send(json!({"type": "dropped", "job": self.id}), &[]);
            return;
        }
        if std::mem::take(&mut state.resuming) {
            self.output.send(
                json!({"type": "resumed", "job": self.id, "good": good}),
                &[],
            );
        }
        for _ in 0..std::mem::take(&mut state.ends) {
            self.output.send(
                json!({"type": "spooled", "job": self.id, "good": good, "slots": state.slots.len()}),
                &[],
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no thread panics while it holds a job")
    }
}
