//! Multi-exponentiation: Σ scalar · base by buckets, with signed digits.
//!
//! A digit of `bits` bits picks one of 2^(bits - 1) buckets per window and a sign; every bucket is one affine point. Points go to their
//! buckets in batches that share an inversion; a bucket that a batch already uses takes its second point by itself. A task is one
//! window over a range of the terms, so that tasks need nothing from each other but the sum at the end.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;

use crate::batch::{Addition, Batch, BATCH};
use crate::group::{Affine, G1, G2};
use crate::ifma;
use crate::lanes::Lanes;
use crate::plain::{PlainG1, PlainG2};
use crate::scalar::SIGN;
use crate::Signed;

/// Bits of a magnitude and of the sign that the digits may need.
const SCALAR_BITS: usize = 255;

/// Points and the scalars that go with them.
pub(crate) struct Terms<'a, P> {
    /// One per term.
    pub(crate) bases: &'a [P],
    /// One per term, or those that `pattern` names.
    pub(crate) scalars: &'a [Signed],
    pub(crate) pattern: Option<Pattern<'a>>,
}

/// Scalars of the terms: these offsets in every block of `block` scalars.
#[derive(Clone, Copy)]
pub(crate) struct Pattern<'a> {
    pub(crate) offsets: &'a [u32],
    pub(crate) block: usize,
}

/// Which instructions to use, and so in which form points are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// blst, on any processor.
    Plain,
    /// Eight lanes with AVX-512 IFMA.
    Ifma,
}

impl Arithmetic {
    /// The best that this processor has.
    pub fn detect() -> Self {
        if ifma::is_available() {
            Self::Ifma
        } else {
            Self::Plain
        }
    }

    /// From blst's form into the one of this arithmetic.
    pub(crate) fn import<P: Affine>(self, point: &mut P) {
        if self == Self::Ifma {
            point.elements().iter_mut().for_each(ifma::import);
        }
    }
}

/// Sums of several multi-exponentiations, the ones over G1 and the one over G2, with every thread busy until the last tasks.
pub(crate) fn multiexps(
    arithmetic: Arithmetic,
    g1: &[Vec<Terms<'_, G1>>],
    g2: &[Vec<Terms<'_, G2>>],
) -> (Vec<<G1 as Affine>::Sum>, Vec<<G2 as Affine>::Sum>) {
    let threads = rayon::current_num_threads();
    let g2_plans: Vec<_> = g2.iter().map(|terms| Plan::new(terms, threads)).collect();
    let g1_plans: Vec<_> = g1.iter().map(|terms| Plan::new(terms, threads)).collect();
    let g2_tasks = tasks(&g2_plans);
    let g1_tasks = tasks(&g1_plans);
    let next = AtomicUsize::new(0);
    // One lock per result: each is written once.
    let g1_results: Vec<_> = g1_tasks
        .iter()
        .map(|_| Mutex::new(G1::infinity()))
        .collect();
    let g2_results: Vec<_> = g2_tasks
        .iter()
        .map(|_| Mutex::new(G2::infinity()))
        .collect();
    let work = || {
        let mut g1_worker = Worker::<G1>::default();
        let mut g2_worker = Worker::<G2>::default();
        loop {
            // The long ones first.
            let task = next.fetch_add(1, Ordering::Relaxed);
            if let Some(&(which, window, ref range)) = g2_tasks.get(task) {
                let (plan, terms) = (&g2_plans[which], &g2[which]);
                // SAFETY: `arithmetic` came from `detect`, and points are in its form.
                let sum = unsafe {
                    match arithmetic {
                        Arithmetic::Plain => {
                            g2_worker.window_sum::<PlainG2>(plan, terms, window, range)
                        }
                        Arithmetic::Ifma => {
                            ifma::window_sum_g2(&mut g2_worker, plan, terms, window, range)
                        }
                    }
                };
                *g2_results[task].lock().expect("no panic under the lock") = sum;
            } else if let Some(&(which, window, ref range)) = g1_tasks.get(task - g2_tasks.len()) {
                let (plan, terms) = (&g1_plans[which], &g1[which]);
                // SAFETY: as above.
                let sum = unsafe {
                    match arithmetic {
                        Arithmetic::Plain => {
                            g1_worker.window_sum::<PlainG1>(plan, terms, window, range)
                        }
                        Arithmetic::Ifma => {
                            ifma::window_sum_g1(&mut g1_worker, plan, terms, window, range)
                        }
                    }
                };
                *g1_results[task - g2_tasks.len()]
                    .lock()
                    .expect("no panic under the lock") = sum;
            } else {
                return;
            }
        }
    };
    rayon::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|_| work());
        }
    });
    (
        combine::<G1>(&g1_plans, &g1_tasks, &g1_results),
        combine::<G2>(&g2_plans, &g2_tasks, &g2_results),
    )
}

type Task = (usize, usize, Range<usize>);

fn tasks(plans: &[Plan]) -> Vec<Task> {
    let mut tasks = Vec::new();
    for (which, plan) in plans.iter().enumerate() {
        for window in 0..plan.windows {
            for part in 0..plan.parts {
                let range = plan.terms * part / plan.parts..plan.terms * (part + 1) / plan.parts;
                tasks.push((which, window, range));
            }
        }
    }
    tasks
}

fn combine<P: Affine>(plans: &[Plan], tasks: &[Task], results: &[Mutex<P::Sum>]) -> Vec<P::Sum> {
    plans
        .iter()
        .enumerate()
        .map(|(which, plan)| {
            let mut total = P::infinity();
            for window in (0..plan.windows).rev() {
                P::double(&mut total, plan.bits);
                for (task, result) in tasks.iter().zip(results) {
                    if (task.0, task.1) == (which, window) {
                        P::add(&mut total, &result.lock().expect("no panic under the lock"));
                    }
                }
            }
            total
        })
        .collect()
}

/// How one multi-exponentiation is cut.
pub(crate) struct Plan {
    terms: usize,
    bits: usize,
    windows: usize,
    parts: usize,
    /// Half a digit in every window: added to a magnitude it makes all digits non-negative.
    offset: [u64; 5],
}

impl Plan {
    fn new<P>(terms: &[Terms<'_, P>], threads: usize) -> Self {
        let terms = terms.iter().map(|terms| terms.bases.len()).sum();
        // Additions of a window: one per term, about 2.5 per bucket.
        let cost = |bits: usize| SCALAR_BITS.div_ceil(bits) * (2 * terms + 5 * (1 << (bits - 1)));
        let bits = (5..=16).min_by_key(|&bits| cost(bits)).expect("not empty");
        let windows = SCALAR_BITS.div_ceil(bits);
        // At least four tasks per thread, unless the parts would be smaller than what the buckets cost.
        let parts = (4 * threads)
            .div_ceil(windows)
            .min(terms >> (bits + 2))
            .max(1);
        let mut offset = [0; 5];
        for window in 0..windows {
            let position = window * bits + bits - 1;
            offset[position / 64] |= 1 << (position % 64);
        }
        Self {
            terms,
            bits,
            windows,
            parts,
            offset,
        }
    }

    fn buckets(&self) -> usize {
        1 << (self.bits - 1)
    }

    /// Signed digit of a scalar, from -2^(bits-1) to 2^(bits-1) - 1 or, for a negative scalar, the reverse.
    #[inline(always)]
    fn digit(&self, scalar: &Signed, window: usize) -> i32 {
        let [w0, w1, w2, w3] = scalar.0;
        let words = [w0, w1, w2, w3 & !SIGN];
        let mut sum = [0u64; 6];
        let mut carry = false;
        for i in 0..4 {
            let (partial, first) = words[i].overflowing_add(self.offset[i]);
            let (partial, second) = partial.overflowing_add(u64::from(carry));
            sum[i] = partial;
            carry = first | second;
        }
        sum[4] = self.offset[4] + u64::from(carry);
        let position = window * self.bits;
        let (word, shift) = (position / 64, position % 64);
        let pair = u128::from(sum[word]) | u128::from(sum[word + 1]) << 64;
        let raw = (pair >> shift) as i32 & ((1 << self.bits) - 1);
        let digit = raw - (1 << (self.bits - 1));
        if w3 & SIGN == 0 {
            digit
        } else {
            -digit
        }
    }
}

/// One thread's buckets, kept from task to task.
pub(crate) struct Worker<P: Affine> {
    buckets: Vec<P>,
    states: Vec<State>,
    /// Terms whose bucket was in use, to be tried again behind the next flush.
    deferred: Vec<(*const P, i32)>,
    /// Sums of points of which too many meant one bucket; as long as `buckets` once it is needed.
    overflow: Vec<Option<P::Sum>>,
}

/// Deferred terms per worker. Scalars of equal digits (bits, say) would make the list as long as the circuit.
const DEFERRED: usize = 512;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Empty,
    Filled,
    /// In the current batch.
    Busy,
}

impl<P: Affine> Default for Worker<P> {
    fn default() -> Self {
        Self {
            buckets: Vec::new(),
            states: Vec::new(),
            deferred: Vec::new(),
            overflow: Vec::new(),
        }
    }
}

impl<P: Affine> Worker<P> {
    /// Σ digit · base of one window over a range of the terms.
    ///
    /// # Safety
    /// The processor must have the instructions of `L`, and the bases must be in its form.
    #[inline(always)] // into a function that enables the instructions
    pub(crate) unsafe fn window_sum<L: Lanes<Point = P>>(
        &mut self,
        plan: &Plan,
        terms: &[Terms<'_, P>],
        window: usize,
        range: &Range<usize>,
    ) -> P::Sum {
        self.buckets.resize(plan.buckets(), P::ZERO);
        self.states.clear();
        self.states.resize(plan.buckets(), State::Empty);
        self.overflow.clear();
        let mut batch = Batch::<L>::new();
        // Few buckets are soon all in use.
        let limit = BATCH.min(plan.buckets() / 8).max(L::COUNT);
        let mut start = 0;
        for terms in terms {
            let end = start + terms.bases.len();
            let from = range.start.clamp(start, end) - start;
            let to = range.end.clamp(start, end) - start;
            match terms.pattern {
                None => {
                    for index in from..to {
                        let digit = plan.digit(&terms.scalars[index], window);
                        self.put(&mut batch, limit, &terms.bases[index], digit);
                    }
                }
                Some(Pattern { offsets, block }) => {
                    let mut first = from / offsets.len() * block;
                    let mut within = from % offsets.len();
                    for base in &terms.bases[from..to] {
                        let scalar = &terms.scalars[first + offsets[within] as usize];
                        self.put(&mut batch, limit, base, plan.digit(scalar, window));
                        within += 1;
                        if within == offsets.len() {
                            within = 0;
                            first += block;
                        }
                    }
                }
            }
            start = end;
        }
        self.finish(&mut batch);
        self.sum_buckets(plan, &mut batch)
    }

    /// One term; flushes a batch that is full.
    #[inline(always)]
    unsafe fn put<L: Lanes<Point = P>>(
        &mut self,
        batch: &mut Batch<L>,
        limit: usize,
        base: &P,
        digit: i32,
    ) {
        self.try_put::<L>(batch, base, digit);
        if batch.additions.len() >= limit {
            self.flush(batch);
        }
    }

    #[inline(always)]
    unsafe fn try_put<L: Lanes<Point = P>>(
        &mut self,
        batch: &mut Batch<L>,
        base: *const P,
        digit: i32,
    ) {
        if digit == 0 {
            return;
        }
        let bucket = digit.unsigned_abs() as usize - 1;
        match self.states[bucket] {
            State::Filled => {
                self.states[bucket] = State::Busy;
                let target = &raw mut self.buckets[bucket];
                prefetch(target);
                batch.additions.push(Addition {
                    target,
                    source: base,
                    negative: digit < 0,
                });
            }
            State::Empty => {
                self.buckets[bucket] = *base;
                if digit < 0 {
                    self.buckets[bucket].negate();
                }
                self.states[bucket] = State::Filled;
            }
            State::Busy if self.deferred.len() < DEFERRED => self.deferred.push((base, digit)),
            State::Busy => self.overflow::<L>(&*base, digit),
        }
    }

    #[inline(never)]
    fn overflow<L: Lanes<Point = P>>(&mut self, base: &P, digit: i32) {
        let mut point = *base;
        L::export(&mut point);
        if digit < 0 {
            point.negate();
        }
        if self.overflow.is_empty() {
            self.overflow.resize(self.buckets.len(), None);
        }
        let bucket = digit.unsigned_abs() as usize - 1;
        let sum = self.overflow[bucket].get_or_insert_with(P::infinity);
        P::add_point(sum, &point);
    }

    /// Does the batch, and begins the next one with the deferred terms.
    #[inline(always)]
    unsafe fn flush<L: Lanes<Point = P>>(&mut self, batch: &mut Batch<L>) {
        let start = self.buckets.as_ptr();
        for addition in &batch.additions {
            let bucket = addition.target.cast_const().offset_from(start) as usize;
            self.states[bucket] = State::Filled;
        }
        batch.flush();
        for vanished in &batch.vanished {
            let bucket = vanished.cast_const().offset_from(start) as usize;
            self.states[bucket] = State::Empty;
        }
        for (base, digit) in std::mem::take(&mut self.deferred) {
            self.try_put(batch, base, digit);
        }
    }

    /// The last batches. What then still waits is many terms of few buckets.
    #[inline(always)]
    unsafe fn finish<L: Lanes<Point = P>>(&mut self, batch: &mut Batch<L>) {
        for _ in 0..4 {
            self.flush(batch);
        }
        for (base, digit) in std::mem::take(&mut self.deferred) {
            self.overflow::<L>(&*base, digit);
        }
        self.flush(batch);
    }

    /// Σ (index + 1) · bucket. The buckets are cut into segments that are summed side by side: from the top, a sum of buckets and a sum
    /// of those sums.
    #[inline(always)]
    unsafe fn sum_buckets<L: Lanes<Point = P>>(
        &mut self,
        plan: &Plan,
        batch: &mut Batch<L>,
    ) -> P::Sum {
        self.merge_overflow::<L>();
        let segments = (plan.buckets() / 32).clamp(plan.buckets().min(16), 256);
        let length = plan.buckets() / segments;
        let mut sums = Segments::<P>::new(segments);
        let mut sums_of_sums = Segments::<P>::new(segments);
        for offset in (0..length).rev() {
            for segment in 0..segments {
                let bucket = segment * length + offset;
                if self.states[bucket] == State::Filled {
                    sums.add(segment, &self.buckets[bucket], batch);
                }
            }
            sums.flush(batch);
            for segment in 0..segments {
                if sums.present[segment] {
                    sums_of_sums.add(segment, &sums.points[segment], batch);
                }
            }
            sums_of_sums.flush(batch);
        }
        // Σ sums_of_sums + length · Σ segment · sums
        let mut running = P::infinity();
        let mut weighted = P::infinity();
        let mut total = P::infinity();
        for segment in (0..segments).rev() {
            sums_of_sums.add_to::<L>(segment, &mut total);
            if segment > 0 {
                sums.add_to::<L>(segment, &mut running);
                P::add(&mut weighted, &running);
            }
        }
        P::double(&mut weighted, length.trailing_zeros() as usize);
        P::add(&mut total, &weighted);
        total
    }

    fn merge_overflow<L: Lanes<Point = P>>(&mut self) {
        for (bucket, overflow) in self.overflow.iter().enumerate() {
            let Some(mut sum) = *overflow else { continue };
            if self.states[bucket] == State::Filled {
                let mut point = self.buckets[bucket];
                L::export(&mut point);
                P::add_point(&mut sum, &point);
            }
            self.states[bucket] = State::Empty;
            if let Some(mut point) = P::to_affine(&sum) {
                L::import(&mut point);
                self.buckets[bucket] = point;
                self.states[bucket] = State::Filled;
            }
        }
    }
}

/// Sums of one point per segment.
struct Segments<P> {
    points: Vec<P>,
    present: Vec<bool>,
}

impl<P: Affine> Segments<P> {
    fn new(count: usize) -> Self {
        Self {
            points: vec![P::ZERO; count],
            present: vec![false; count],
        }
    }

    #[inline(always)]
    fn add<L: Lanes<Point = P>>(&mut self, segment: usize, point: &P, batch: &mut Batch<L>) {
        if self.present[segment] {
            batch.additions.push(Addition {
                target: &raw mut self.points[segment],
                source: point,
                negative: false,
            });
        } else {
            self.points[segment] = *point;
            self.present[segment] = true;
        }
    }

    #[inline(always)]
    unsafe fn flush<L: Lanes<Point = P>>(&mut self, batch: &mut Batch<L>) {
        batch.flush();
        for vanished in &batch.vanished {
            let segment = vanished.cast_const().offset_from(self.points.as_ptr()) as usize;
            self.present[segment] = false;
        }
    }

    fn add_to<L: Lanes<Point = P>>(&self, segment: usize, sum: &mut P::Sum) {
        if self.present[segment] {
            let mut point = self.points[segment];
            L::export(&mut point);
            P::add_point(sum, &point);
        }
    }
}

#[inline(always)]
fn prefetch<T>(pointer: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint that reads nothing.
    unsafe {
        use std::arch::x86_64::{_mm_prefetch, _MM_HINT_T0};
        for line in 0..size_of::<T>().div_ceil(64) {
            _mm_prefetch::<_MM_HINT_T0>(pointer.cast::<i8>().wrapping_add(64 * line));
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = pointer;
}
