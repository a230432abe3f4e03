/**
 * Results: verified here before they are stored, served, counted or signed for; of two the one with fewer skips, then
 * the lower hash. The prover offers its result until enough disks hold it, one of them a submitter's.
 */
import { resultHash } from '../codec/work-id.ts';
import { Bitfield } from '../domain/bitfield.ts';
import type { Epoch, Hex32, NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { NodeRecord } from '../domain/record.ts';
import type { Result } from '../domain/result.ts';
import type { ChallengeKey } from '../domain/work.ts';
import type { EventOf } from './api.ts';
import { releaseJob } from './claim.ts';
import { currentEpoch } from './epoch-clock.ts';
import { publish } from './identity.ts';
import type { Job } from './job.ts';
import { keys, writeNumbers, writeStatement } from './keys.ts';
import { isPeerPresent, peerOf } from './liveness.ts';
import { hasRole } from './members.ts';
import { alarm, clearAlarm, decide, effect, ignore, put } from './outbox.ts';
import { stopJob, verifyAgain } from './proving.ts';
import { hasManySkips, hasUnbackedSkip } from './skips.ts';
import type { SortedMap } from './sorted-map.ts';
import type { State, StatementOf, Work } from './state.ts';
import { isPast } from './timing.ts';
import { isReached } from './wake.ts';
import { manifestOf } from './works.ts';

export interface BestResult {
	readonly statement: StatementOf<'res'>;
	readonly result: Result;
	readonly hash: Hex32;
	readonly storedAt: number;
	readonly storedEpoch: Epoch;
}

export interface ResultsSlice {
	best: BestResult | null;
	/** Unverified results by hash. */
	readonly candidates: SortedMap<Hex32, Candidate>;
	readonly bad: SortedMap<Hex32, true>;
	/** When a member's record first told of a result that this node does not have. */
	toldAt: number | null;
	/** Offers made of the best result, by whoever proved it. */
	offers: number;
	offeredAt: number;
	acknowledged: boolean;
}

export interface Candidate {
	readonly statement: StatementOf<'res'>;
	readonly result: Result;
	/** Already on this node's disk (recovered at start). */
	readonly stored: boolean;
	verifying: boolean;
	retryAt: number;
}

/** Hex digits of a hash that fit an exact integer. */
const KEYS_MARK_DIGITS = 12;

/** Negative when `a` is the better one: fewest skips, then the lower hash. */
export function compareResults(
	a: { readonly result: Result; readonly hash: Hex32 },
	b: { readonly result: Result; readonly hash: Hex32 },
): number {
	const skips = a.result.skipped.size - b.result.skipped.size;
	return skips !== 0 ? skips : a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0;
}

/** RES of another member, or one recovered from the own disk (`stored`). */
export function onResult(state: State, statement: StatementOf<'res'>, stored = false): void {
	const { from, body } = statement.envelope;
	const work = state.works.get(body.work);
	if (work === undefined) {
		ignore(state, 'result-of-unknown-work');
		return;
	}
	if (!hasRole(state, from, 'prover', work.item.miner)) {
		ignore(state, 'result-without-role');
		return;
	}
	const hash = resultHash(body.proof, body.skipped);
	const { best, bad, candidates } = work.results;
	if (bad.has(hash)) {
		ignore(state, 'result-known-bad');
		return;
	}
	if (isDistrusted(state, from) && !isVouchedFor(state, work)) {
		ignore(state, 'result-of-distrusted');
		return;
	}
	if (candidates.has(hash)) return;
	if (best !== null && compareResults({ result: body, hash }, best) >= 0) {
		ignore(state, 'result-not-better');
		return;
	}
	if (candidates.size >= limits.candidates) {
		ignore(state, 'too-many-candidates');
		return;
	}
	candidates.set(hash, { statement, result: body, stored, verifying: false, retryAt: state.now });
	state.dirty = true;
}

function isDistrusted(state: State, from: NodeId): boolean {
	return (state.peers.get(from)?.distrustedUntil ?? -1) > currentEpoch(state.clock, state.now);
}

/** A member that is trusted has verified a result: the distrusted one's may be it, and nobody will make another. */
function isVouchedFor(state: State, work: Work): boolean {
	return work.results.best === null && copiesOf(state, work).some((id) => !isDistrusted(state, id));
}

/** Asks for verifications, one at a time for each sender, so that whoever sends rubbish waits for itself first. */
export function verifyCandidates(state: State, works: readonly Work[]): void {
	if (state.config.keys === null) return;
	const busy = new Set<NodeId>();
	const waiting: { readonly work: Work; readonly hash: Hex32; readonly candidate: Candidate }[] = [];
	let running = 0;
	for (const work of works) {
		if (work.results.candidates.size === 0) continue;
		for (const [hash, candidate] of work.results.candidates) {
			if (!candidate.verifying) waiting.push({ work, hash, candidate });
			else running++;
			if (candidate.verifying) busy.add(candidate.statement.envelope.from);
		}
	}
	for (const { work, hash, candidate } of waiting) {
		const { from } = candidate.statement.envelope;
		if (running >= limits.verifications) return;
		const sectors = manifestOf(state, work);
		if (busy.has(from) || sectors === null || !isReached(state, candidate.retryAt)) continue;
		const { skipped, proof } = candidate.result;
		if (!skipped.isSubsetOf(sectors) || skipped.size === sectors.size) {
			condemn(state, work, hash, from);
			continue;
		}
		candidate.verifying = true;
		running++;
		busy.add(from);
		effect(state, { type: 'verify', work: work.item, hash, proof, skipped });
	}
}

export function onVerified(state: State, { work: id, hash, verdict }: EventOf<'verified'>): void {
	const work = state.works.get(id);
	if (work === undefined) return;
	state.dirty = true;
	if (verdict !== 'unavailable') clearAlarm(state, 'verifier-unavailable', state.config.self);
	else alarm(state, 'verifier-unavailable', state.config.self, {});
	const job = state.jobs.get(id);
	if (job?.phase === 'verify' && job.hash === hash) onOwnVerified(state, work, job, verdict);
	const candidate = work.results.candidates.get(hash);
	if (candidate === undefined) return;
	candidate.verifying = false;
	if (verdict === 'unavailable') {
		candidate.retryAt = state.now + limits.verifyRetryMs;
		return;
	}
	work.results.candidates.delete(hash);
	if (verdict === 'bad') condemn(state, work, hash, candidate.statement.envelope.from);
	else accept(state, work, candidate.statement, hash, candidate.stored);
}

function onOwnVerified(state: State, work: Work, job: Job, verdict: 'good' | 'bad' | 'unavailable'): void {
	const { result, hash } = job;
	if (result === null || hash === null) return;
	if (verdict === 'unavailable') {
		// The proof is there; only the judge is missing.
		job.verifyAt = state.now + limits.verifyRetryMs;
		return;
	}
	if (verdict === 'bad') {
		alarm(state, 'bad-result', state.config.self, { work: work.item.id });
		releaseJob(state, job.work, 'unverified', 'own-proof-does-not-verify');
		return;
	}
	// The lease ends in the same step in which the result leaves, so nobody sees the one without the other.
	stopJob(state, job.work, false);
	accept(state, work, { envelope: publish(state, { kind: 'res', body: result }), raw: null }, hash, false);
}

/** Own proofs whose verification was not available are put to the verifier again. */
export function retryOwnVerifications(state: State): void {
	for (const [id, job] of state.jobs) {
		const work = state.works.get(id);
		if (work === undefined || job.verifyAt === null || !isReached(state, job.verifyAt)) continue;
		job.verifyAt = null;
		verifyAgain(state, job, work);
	}
}

/** A verified result: on disk before anyone is told that this node has it. */
function accept(state: State, work: Work, statement: StatementOf<'res'>, hash: Hex32, stored: boolean): void {
	const { results, item } = work;
	const result = statement.envelope.body;
	if (results.best !== null && compareResults({ result, hash }, results.best) >= 0) return;
	const first = results.best === null;
	results.best = { statement, result, hash, storedAt: state.now, storedEpoch: currentEpoch(state.clock, state.now) };
	results.offers = 0;
	results.offeredAt = state.now;
	results.acknowledged = false;
	state.told++;
	if (!stored) put(state, keys.result(item.id), writeStatement(statement));
	state.records.changed = true;
	const { from } = statement.envelope;
	decide(state, 'result-stored', first ? 'first' : 'better', {
		work: item.id,
		peer: from,
		facts: { skipped: result.skipped.size, proveMs: result.proveMs },
	});
	const peer = state.peers.get(from);
	if (peer !== undefined) peer.expiries = 0;
	judgeSkips(state, work, result);
	clearAlarm(state, 'crashing-partition', item.id);
	stopNeedless(state, work, result);
}

function judgeSkips(state: State, work: Work, result: Result): void {
	const { id } = work.item;
	const facts = { skipped: result.skipped.size, sectors: work.item.sectorCount };
	if (hasUnbackedSkip(state, work, result.skipped)) alarm(state, 'unbacked-skip', id, facts);
	else clearAlarm(state, 'unbacked-skip', id);
	if (hasManySkips(work, result.skipped)) alarm(state, 'many-skips', id, facts);
	else clearAlarm(state, 'many-skips', id);
}

/** The own copy stops, unless the result leaves out without backing what this copy includes. */
function stopNeedless(state: State, work: Work, result: Result): void {
	const job = state.jobs.get(work.item.id);
	if (job === undefined || hasUnbackedSkip(state, work, result.skipped)) return;
	const willBeBetter = job.phase !== 'gather' && job.skipped.size < result.skipped.size;
	if (!willBeBetter) releaseJob(state, job.work, 'lost', 'result-known');
}

/** The verifying keys that judged, as a number: what other keys found bad says nothing. */
export function keysMark({ config }: State): number {
	return config.keys === null ? 0 : Number.parseInt(config.keys.slice(0, KEYS_MARK_DIGITS), 16);
}

function condemn(state: State, work: Work, hash: Hex32, from: NodeId): void {
	work.results.candidates.delete(hash);
	work.results.bad.set(hash, true);
	decide(state, 'result-refused', 'does-not-verify', { work: work.item.id, peer: from });
	alarm(state, 'bad-result', from, { work: work.item.id });
	if (from === state.config.self) return;
	const until = currentEpoch(state.clock, state.now) + limits.distrustEpochs;
	peerOf(state, from).distrustedUntil = until;
	put(state, keys.distrust(from), writeNumbers([until, keysMark(state)]));
}

/** A member's disk has results that this node lacks: asked for at once, since the statement itself was lost on the way. */
export function heedHave(state: State, from: NodeId, before: NodeRecord['have'], have: NodeRecord['have']): void {
	if (state.config.keys === null || have.length === 0 || have === before) return;
	// Most records tell what the one before them told.
	const isKnown = ({ key, partitions }: NodeRecord['have'][number], i: number): boolean =>
		before[i]?.key === key && before[i].partitions.equals(partitions);
	if (have.every(isKnown)) return;
	const told = new Map<ChallengeKey, Bitfield>();
	for (const { key, partitions } of have) {
		const old = before.find((entry) => entry.key === key)?.partitions ?? Bitfield.empty;
		if (!partitions.isSubsetOf(old)) told.set(key, partitions.subtract(old));
	}
	if (told.size === 0) return;
	for (const { item, results } of state.works.values()) {
		if (results.best !== null || told.get(item.key)?.has(item.partition) !== true) continue;
		results.toldAt ??= state.now;
		if (state.peers.get(from)?.connected === true) state.sync.wanted.set(from, null);
		state.dirty = true;
	}
}

/** Told of a result lately enough to wait for it rather than to make another one. */
export function isTold(state: State, { results }: Work): boolean {
	return results.best === null && results.toldAt !== null && !isReached(state, results.toldAt + limits.toldMs);
}

/** Present members that tell of a result for the item on their disk, and this node if it has one. */
export function copiesOf(state: State, work: Work): readonly NodeId[] {
	const { key, partition } = work.item;
	const holders: NodeId[] = [];
	for (const [id, peer] of state.peers) {
		const have = peer.record?.envelope.body.have;
		const holds = have?.some((entry) => entry.key === key && entry.partitions.has(partition));
		if (holds === true && isPeerPresent(state, peer)) holders.push(id);
	}
	return work.results.best === null ? holders : [...holders, state.config.self];
}

/** Offers own results again until three disks hold them, a submitter's among them, or all that there are. */
export function offerResults(state: State, works: readonly Work[]): void {
	for (const work of works) {
		const { best, offeredAt, offers, acknowledged } = work.results;
		if (best === null || acknowledged || best.statement.envelope.from !== state.config.self) continue;
		if (isAcknowledged(state, work)) {
			work.results.acknowledged = true;
			decide(state, 'result-acknowledged', 'enough-copies', { work: work.item.id });
		} else if (offers < limits.offers && isReached(state, offeredAt + limits.offerMs) && !isPast(state, work)) {
			work.results.offers++;
			work.results.offeredAt = state.now;
			publish(state, { kind: 'res', body: best.result });
		}
	}
}

function isAcknowledged(state: State, work: Work): boolean {
	const holders = copiesOf(state, work);
	const able: NodeId[] = [];
	for (const [id, peer] of state.peers) {
		if (peer.record?.envelope.body.keys != null && isPeerPresent(state, peer)) able.push(id);
	}
	if (holders.length >= able.length + 1) return true;
	const submitter = (id: NodeId): boolean => hasRole(state, id, 'submitter', work.item.miner);
	return holders.length >= limits.copies && (holders.some(submitter) || !able.some(submitter));
}
