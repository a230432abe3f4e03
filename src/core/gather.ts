/**
 * Bringing a partition's vanilla proofs together: which holder is asked for which sectors, whom to ask when one fails,
 * and when to stop. The bytes themselves never come here; the core sees batches of checked sectors.
 */
import { Bitfield } from '../domain/bitfield.ts';
import type { NodeId, SectorNumber } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { EventOf, GatherShare, WaitReason } from './api.ts';
import { releaseJob } from './claim.ts';
import { longEpochMs } from './epoch-clock.ts';
import { holdersOf, holdingsOf } from './holdings.ts';
import type { Asked, Job, Share } from './job.ts';
import { isLatestStart, type Load } from './load.ts';
import { alarm, decide, effect } from './outbox.ts';
import { backedSkips, isReopened, objectedSectors, spendObjections } from './skips.ts';
import { SortedMap } from './sorted-map.ts';
import type { State, Work } from './state.ts';
import { isReached } from './wake.ts';
import { manifestOf } from './works.ts';

/** Whether a gather that ended for want of sectors may be tried again: a holder offers, or the time has come. */
export function canGather(state: State, work: Work, load: Load): WaitReason | null {
	const { missing, exhausted, hopeless } = work.claim;
	if (missing === null) return null;
	const offered = holdersOf(state, work.item.miner, missing).some(
		(id) =>
			isReached(state, exhausted.get(id) ?? 0) && (id === state.config.self || state.peers.get(id)?.connected === true),
	);
	if (offered) return null;
	if (hopeless) return 'nothing-left-to-prove';
	const late = isLatestStart(state, work, load) || backedSkips(state, work, missing).size === missing.size;
	return late && work.results.best === null ? null : 'incomplete';
}

/** A holder connected or told new holdings: it is asked again by whoever gave it up. */
export function forgetExhausted(state: State, id: NodeId): void {
	for (const work of state.works.values()) work.claim.exhausted.delete(id);
	for (const job of state.jobs.values()) job.asked.delete(id);
	state.dirty = true;
}

/** Plans every gather of this node anew. */
export function planGathers(state: State, load: Load): void {
	for (const id of state.jobs.keys()) {
		const job = state.jobs.get(id);
		const work = state.works.get(id);
		if (job?.phase === 'gather' && work !== undefined) planGather(state, job, work, load);
	}
}

function planGather(state: State, job: Job, work: Work, load: Load): void {
	const needed = manifestOf(state, work);
	if (needed === null) return;
	const late = isLatestStart(state, work, load);
	let owed = Bitfield.empty;
	let hoped = Bitfield.empty;
	for (const share of job.shares.values()) {
		// A stalled stream may still deliver: its sectors are asked of others too, but they are not given up.
		if (!isReached(state, share.movedAt + limits.gatherStallMs)) owed = owed.union(share.owed);
		if (!late || !isHung(state, share)) hoped = hoped.union(share.owed);
	}
	const missing = needed.subtract(job.good);
	if (missing.size === 0) {
		complete(state, job, Bitfield.empty);
		return;
	}
	// What an objection names comes first: without it a second proof is not worth making.
	const objected = objectedSectors(work).intersect(missing);
	const open = (objected.size > 0 ? objected : missing).subtract(owed);
	if (open.size === 0) return;
	const { shares, later } = assign(state, job, work, open, late);
	if (shares.length > 0) {
		for (const { peer, sectors } of shares) {
			const before = job.shares.get(peer)?.owed ?? Bitfield.empty;
			job.shares.set(peer, { owed: before.union(sectors), movedAt: state.now, moved: false });
		}
		effect(state, { type: 'gather', work: work.item, shares });
	}
	const given = shares.reduce((sum, { sectors }) => sum.union(sectors), Bitfield.empty);
	const unheld = open.subtract(given).subtract(later).subtract(hoped);
	if (unheld.size === 0 || askDirectory(state, job, work, unheld)) return;
	endGather(state, job, work, { unheld, later, missing }, late);
}

/** Spreads sectors over their holders, untried ones first, the least loaded first; `later`: all their holders pause or wait their turn. */
function assign(
	state: State,
	job: Job,
	work: Work,
	open: Bitfield,
	late: boolean,
): { readonly shares: readonly GatherShare[]; readonly later: Bitfield } {
	const sources = sourcesOf(state, job, work, open);
	// An earlier attempt has asked a second time already: what is refused again keeps nothing else waiting.
	const again = work.claim.incomplete > 0 && !late;
	const numbers = new SortedMap<NodeId, SectorNumber[]>();
	const later: number[] = [];
	for (const sector of open) {
		let best: (typeof sources)[number] | undefined;
		let bestKey = Number.MAX_SAFE_INTEGER;
		let pausing = false;
		for (const source of sources) {
			if (!source.holds.has(sector)) continue;
			const tries = source.asked?.twice.has(sector) ? 2 : source.asked?.once.has(sector) ? 1 : 0;
			if (tries >= (again && source.asked?.broken === false ? 1 : limits.gatherTries)) continue;
			if (!source.inTurn || (tries > 0 && !isReached(state, source.asked?.retryAt ?? 0))) {
				pausing = true;
				continue;
			}
			const load = source.self ? 0 : (numbers.get(source.id)?.length ?? 0) + 1;
			const key = tries * limits.manifestSectors * 2 + load;
			if (key < bestKey) {
				best = source;
				bestKey = key;
			}
		}
		if (best !== undefined) numbers.obtain(best.id, () => []).push(sector as SectorNumber);
		else if (pausing) later.push(sector);
	}
	const shares = [...numbers].map(([peer, sectors]) => ({ peer, sectors: Bitfield.of(sectors) }));
	return { shares, later: Bitfield.of(later) };
}

/** Reachable holders of some of the sectors: own disk, connected storage members, the directory's providers. */
function sourcesOf(state: State, job: Job, work: Work, open: Bitfield) {
	const { miner } = work.item;
	const { self } = state.config;
	const ids = holdersOf(state, miner, open).filter((id) => id === self || state.peers.get(id)?.connected === true);
	const provided = [...job.blocks.values()].flatMap((peers) => peers ?? []);
	const strangers = provided.filter((id) => !ids.includes(id) && id !== self && holdingsOf(state, id, miner) === null);
	const busy = (id: NodeId): boolean => {
		const share = job.shares.get(id);
		return share !== undefined && share.owed.size > 0;
	};
	const sources = [...ids, ...new Set(strangers)]
		.filter((id) => !busy(id))
		.map((id) => ({
			id,
			self: id === self,
			holds: holdingsOf(state, id, miner) ?? open,
			asked: job.asked.get(id),
		}));
	// Whoever has nothing to give at the moment takes nobody's place.
	const ready = sources.filter(({ holds, asked }) => {
		const untried = holds.intersect(open).subtract(asked?.once ?? Bitfield.empty);
		if (untried.size > 0 || asked === undefined) return untried.size > 0;
		return isReached(state, asked.retryAt) && holds.intersect(open).subtract(asked.twice).size > 0;
	});
	const streams = job.shares.values().filter(({ owed }) => owed.size > 0).length;
	const first = new Set(ready.slice(0, Math.max(0, limits.gatherPeers - streams)));
	return sources.map((source) => ({ ...source, inTurn: first.has(source) }));
}

/** Asks the directory once per block for holders that nobody gossiped. True while an answer is awaited. */
function askDirectory(state: State, job: Job, work: Work, unheld: Bitfield): boolean {
	for (const { start, end } of unheld.runs) {
		const last = Math.floor((end - 1) / limits.directoryBlockSectors);
		for (let block = Math.floor(start / limits.directoryBlockSectors); block <= last; block++) {
			if (job.blocks.has(block) || job.blocks.size >= limits.directoryBlocks) continue;
			job.blocks.set(block, null);
			effect(state, { type: 'find-holders', miner: work.item.miner, block });
		}
	}
	return [...job.blocks.values()].some((peers) => peers === null);
}

export function onHoldersFound(state: State, { miner, block, peers }: EventOf<'holders-found'>): void {
	for (const [id, job] of state.jobs) {
		if (state.works.get(id)?.item.miner !== miner || !job.blocks.has(block)) continue;
		job.blocks.set(block, peers.slice(0, limits.directoryProviders));
	}
	state.dirty = true;
}

/** Sectors that are not in the spool: those nobody is left to ask for, those whose holders pause, and all of them. */
interface Lack {
	readonly unheld: Bitfield;
	readonly later: Bitfield;
	readonly missing: Bitfield;
}

/** Some sectors come from nobody: leave them out when that is allowed, else let the item go for now. */
function endGather(state: State, job: Job, work: Work, lack: Lack, late: boolean): void {
	const { unheld, later, missing } = lack;
	const isEarly = !isReached(state, job.startedAt + limits.gatherHolderMs);
	if (isEarly && holdersOf(state, work.item.miner, unheld).length === 0) return;
	if (objectedSectors(work).intersect(unheld).size > 0) {
		incomplete(state, job, work, unheld, 'objection-unfounded');
		return;
	}
	const others = missing.subtract(unheld);
	const backed = backedSkips(state, work, unheld).size === unheld.size;
	if (others.size > 0 && !(late && later.size === 0 && isStuck(state, job))) return;
	if (!backed && !late) {
		incomplete(state, job, work, missing, 'holders-exhausted');
		return;
	}
	if (state.identity.cloned) {
		incomplete(state, job, work, missing, 'key-cloned');
		return;
	}
	if (job.good.size === 0) {
		alarm(state, 'nothing-left-to-prove', work.item.id, { sectors: missing.size });
		work.claim.hopeless = true;
		incomplete(state, job, work, missing, 'nothing-left-to-prove');
		return;
	}
	const best = work.results.best?.result.skipped.size;
	if (best !== undefined && missing.size >= best) {
		incomplete(state, job, work, missing, 'not-better');
		return;
	}
	decide(state, 'skip', backed ? 'refused-by-all-holders' : 'latest-start-time', {
		work: work.item.id,
		facts: { sectors: missing.size },
	});
	complete(state, job, missing);
}

/** Nothing came for long, whatever is still promised. */
function isStuck(state: State, job: Job): boolean {
	return [...job.shares.values()].every((share) => share.owed.size === 0 || isHung(state, share));
}

/**
 * A stream that has begun and brings nothing. One that has brought nothing yet may wait in line behind others, so it
 * is given as long as the reader gives it, but never more than half of what is left after the latest start.
 */
function isHung(state: State, { moved, movedAt }: Share): boolean {
	const spare = Math.floor((limits.marginEpochs * longEpochMs(state.clock)) / 2);
	const inLine = Math.max(limits.gatherStallMs, Math.min(limits.gatherSilenceMs, spare));
	return isReached(state, movedAt + (moved ? limits.gatherStallMs : inLine));
}

function incomplete(state: State, job: Job, work: Work, missing: Bitfield, why: string): void {
	work.claim.missing = missing;
	for (const id of holdersOf(state, work.item.miner, missing)) {
		if (id !== state.config.self && state.peers.get(id)?.connected !== true) continue;
		// Whatever it lacked, its disk or its network may be well again without anybody being told.
		work.claim.exhausted.set(id, state.now + limits.gatherPauseMs);
	}
	work.claim.incomplete++;
	if (isReopened(work)) spendObjections(state, work, missing);
	releaseJob(state, job.work, 'incomplete', why);
}

function complete(state: State, job: Job, skipped: Bitfield): void {
	if (job.shares.size > 0) effect(state, { type: 'gather-stop', work: job.work, keep: true, ready: true });
	for (const id of job.shares.keys()) job.shares.delete(id);
	job.skipped = skipped;
	job.phase = 'ready';
	job.gatheredAt = state.now;
	job.progressAt = state.now;
	state.dirty = true;
}

/** A batch of checked sectors. */
export function onGathered(state: State, { work: id, peer, ok, failed }: EventOf<'gathered'>): void {
	const job = state.jobs.get(id);
	if (job?.phase !== 'gather') return;
	job.good = job.good.union(ok);
	if (ok.size > 0) job.progressAt = state.now;
	const bad = Bitfield.of(failed.map(({ sector }) => sector));
	const share = job.shares.get(peer);
	if (share !== undefined) {
		share.owed = share.owed.subtract(ok).subtract(bad);
		share.movedAt = state.now;
		share.moved ||= ok.size > 0;
	}
	if (bad.size > 0)
		noteVain(
			state,
			job.asked,
			peer,
			bad,
			failed.every(({ code }) => code === 'unavailable'),
		);
	state.dirty = true;
}

/** The stream ended: what it still owed did not come. One that broke after it had delivered is not held against it. */
export function onGatherEnded(state: State, { work: id, peer, code }: EventOf<'gather-ended'>): void {
	const job = state.jobs.get(id);
	const share = job?.shares.get(peer);
	if (job === undefined || share === undefined) return;
	job.shares.delete(peer);
	state.dirty = true;
	if (share.owed.size === 0) return;
	if (code !== null && share.moved) return;
	noteVain(state, job.asked, peer, share.owed, code !== null);
}

export function onGatherLost(state: State, { work: id, code }: EventOf<'gather-lost'>): void {
	const job = state.jobs.get(id);
	if (job === undefined || job.phase === 'verify') return;
	releaseJob(state, id, 'failed', code);
}

/** The holder was asked for these sectors and did not bring them. */
export function noteVain(
	state: State,
	asked: SortedMap<NodeId, Asked>,
	peer: NodeId,
	sectors: Bitfield,
	broken: boolean,
): void {
	const before = asked.get(peer);
	const once = before?.once ?? Bitfield.empty;
	asked.set(peer, {
		once: once.union(sectors),
		twice: (before?.twice ?? Bitfield.empty).union(once.intersect(sectors)),
		retryAt: state.now + (broken ? limits.gatherRetryMs : longEpochMs(state.clock)),
		broken,
	});
}
