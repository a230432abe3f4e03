/**
 * This node's slots: complete items are proven in order of urgency, progress is what the prover itself reports, and a
 * finished proof is verified here before anybody hears of it.
 */
import { resultHash } from '../codec/work-id.ts';
import type { WorkId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { EventOf } from './api.ts';
import { releaseJob } from './claim.ts';
import type { Job } from './job.ts';
import { alarm, clearAlarm, decide, effect } from './outbox.ts';
import { refusalsFor } from './skips.ts';
import { isForStock, noteCrash, pickSlot } from './slots.ts';
import type { State, Work } from './state.ts';
import { learnDuration, pastNoReturn, spareMs } from './timing.ts';
import { isReached } from './wake.ts';

const PERMILLE = 1_000;
const HUNG_TIMES = 2;
/** Code of a proof whose prover died (ports/prover.ts). */
const CRASHED = 'prover-crashed';

/** Gives free slots to complete items: due before dry, then by close. */
export function assignSlots(state: State): void {
	const ready = [...state.jobs.values()].flatMap((job) => {
		const work = state.works.get(job.work);
		return job.phase === 'ready' && work !== undefined ? [{ job, work }] : [];
	});
	ready.sort((a, b) => urgency(a.work) - urgency(b.work) || (a.job.work < b.job.work ? -1 : 1));
	for (const { job, work } of ready) {
		const slot = pickSlot(state, work);
		if (slot === undefined) continue;
		job.slot = slot;
		job.phase = 'prove';
		job.progressAt = state.now;
		state.slots.busy.set(slot, job.work);
		state.records.changed = true;
		const stock = isForStock(work);
		effect(state, { type: 'prove', work: work.item, slot, skipped: job.skipped, stock, spareMs: spareMs(state, work) });
		job.anew = false;
		decide(state, 'prove', slot, { work: job.work, facts: { skipped: job.skipped.size } });
	}
}

function urgency({ item }: Work): number {
	return item.kind === 'post' ? item.close : Number.MAX_SAFE_INTEGER;
}

export function onSlots(state: State, { slots, out = [] }: EventOf<'slots'>): void {
	for (const { slot } of state.slots.out) {
		if (!out.some((still) => still.slot === slot)) clearAlarm(state, 'slot-out-of-service', slot);
	}
	state.slots.names = slots.slice(0, limits.slots);
	state.slots.out = out.slice(0, limits.slots);
	for (const { slot, ...why } of state.slots.out) alarm(state, 'slot-out-of-service', slot, why);
	state.records.changed = true;
	state.dirty = true;
}

export function onProveProgress(state: State, event: EventOf<'prove-progress'>): void {
	const { work, slot, permille, anew = false } = event;
	const job = state.jobs.get(work);
	if (job?.phase !== 'prove' || job.slot !== slot) return;
	// Work time counts from the first word of the code that does it, never from a timer.
	job.proveAt ??= state.now;
	job.progressAt = state.now;
	job.anew ||= anew;
	const bounded = Math.max(0, Math.min(PERMILLE, Math.floor(permille)));
	if (bounded > job.permille) {
		job.permille = bounded;
		state.records.changed = true;
	}
}

export function onProved(state: State, { work: id, slot, proof, proveMs, anew }: EventOf<'proved'>): void {
	freeSlot(state, id, slot);
	const job = state.jobs.get(id);
	const work = state.works.get(id);
	if (job?.phase !== 'prove' || job.slot !== slot || work === undefined) return;
	if (anew === true) state.durations.delete(work.item.proofType);
	const gatherMs = (job.gatheredAt ?? job.startedAt) - job.startedAt;
	learnDuration(state, work.item.proofType, gatherMs + proveMs);
	job.phase = 'verify';
	job.permille = PERMILLE;
	job.progressAt = state.now;
	job.hash = resultHash(proof, job.skipped);
	job.result = { work: id, proof, skipped: job.skipped, refusals: refusalsFor(work, job.skipped), proveMs };
	state.records.changed = true;
	effect(state, { type: 'verify', work: work.item, hash: job.hash, proof, skipped: job.skipped });
}

export function onProveFailed(state: State, { work, slot, code, ownEngine }: EventOf<'prove-failed'>): void {
	freeSlot(state, work, slot);
	const job = state.jobs.get(work);
	const item = state.works.get(work);
	if (code === CRASHED && item !== undefined) noteCrash(state, item, { slot, ownEngine: ownEngine === true });
	if (job?.phase === 'prove' && job.slot === slot) releaseJob(state, work, 'failed', code);
}

/**
 * A proof of this node that stands still for twice as long as its proofs take is given up: its slot is needed, and others
 * may do better. Before one of them has ended nothing is known, and the limit is the close. Each attempt at the item is
 * given twice the time of the one before, so that a machine that is only slow gets through and learns. From the point of
 * no return on none is given up: it may only be slow, a new one would come too late, and backups run beside it. Nothing is
 * known either of a proof that the library may be making in the place of our own prover: the node judges that by itself.
 */
export function releaseHung(state: State): void {
	for (const [id, job] of state.jobs) {
		const work = state.works.get(id);
		if (job.phase !== 'prove' || work === undefined) continue;
		const own = state.durations.get(work.item.proofType)?.estimate;
		if (own === undefined || job.anew || pastNoReturn(state, work, 0)) continue;
		const patience = HUNG_TIMES * own.p95Ms * 2 ** Math.min(work.claim.failures, limits.failedDoublings);
		if (isReached(state, job.progressAt + Math.max(patience, limits.hedgeLeastMs) + 1)) {
			releaseJob(state, id, 'failed', 'prover-hung');
		}
	}
}

/** A slot comes free with the answer of the code that held it, not when it was told to stop. */
function freeSlot(state: State, work: WorkId, slot: string): void {
	if (state.slots.busy.get(slot) === work) state.slots.busy.delete(slot);
	state.records.changed = true;
	state.dirty = true;
}

/** Stops whatever this node does for the item and drops its lease. */
export function stopJob(state: State, id: WorkId, keepSpool: boolean): void {
	const job = state.jobs.get(id);
	if (job === undefined) return;
	if (job.phase === 'prove' && job.slot !== null) effect(state, { type: 'prove-cancel', work: id, slot: job.slot });
	effect(state, { type: 'gather-stop', work: id, keep: keepSpool });
	state.jobs.delete(id);
	state.records.changed = true;
	state.dirty = true;
}

/** A verification of the own proof that could not be made is asked for again. */
export function verifyAgain(state: State, job: Job, work: Work): void {
	if (job.result === null || job.hash === null) return;
	const { proof, skipped } = job.result;
	effect(state, { type: 'verify', work: work.item, hash: job.hash, proof, skipped });
}
