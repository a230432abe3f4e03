/** The table of work items: what is known to be due, and forgetting it when nobody can need it any more. */
import { challengeKey, workItem } from '../codec/work-id.ts';
import type { Bitfield } from '../domain/bitfield.ts';
import type { ActorId, NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Challenge, DuePartition, WorkItem } from '../domain/work.ts';
import { isCancelled, unbelieved } from './announce.ts';
import { derived } from './derived.ts';
import { currentEpoch } from './epoch-clock.ts';
import { keys } from './keys.ts';
import { connectedPeers } from './liveness.ts';
import { hasRole, membersWith } from './members.ts';
import { counts } from './message.ts';
import { clearAlarmsOf, decide, del, effect, ignore } from './outbox.ts';
import { SortedMap } from './sorted-map.ts';
import type { State, Work } from './state.ts';
import { liveMessageOf } from './submission.ts';
import { isPast } from './timing.ts';
import { epochNow, isReached } from './wake.ts';

export interface ManifestSlice {
	/** Null while it is being fetched. */
	sectors: Bitfield | null;
	fetching: boolean;
	retryAt: number;
	tries: number;
}

/**
 * The work of an item, entered into the table if there is room. What the own view shows takes the place of what only
 * others tell; whoever announces takes the place of what is over. `from`: the announcer; null for the own view.
 */
export function enterWork(state: State, item: WorkItem, from: NodeId | null): Work | undefined {
	const known = state.works.get(item.id);
	if (known !== undefined) return known;
	if (state.works.size >= limits.works && !makeRoom(state, from === null)) {
		ignore(state, 'too-many-works');
		return undefined;
	}
	const work = createWork(state, item, from);
	state.works.set(item.id, work);
	state.told++;
	state.manifests.obtain(item.sectorRoot, () => ({ sectors: null, fetching: false, retryAt: state.now, tries: 0 }));
	state.dirty = true;
	return work;
}

/**
 * The items of a challenge. Each head shows them again: those that are known are found, since an id is the hash of many
 * bytes and a deadline may have thousands.
 */
export function itemsOf(state: State, challenge: Challenge, due: readonly DuePartition[]): readonly WorkItem[] {
	const { network } = state.config;
	const key = challengeKey(network, challenge);
	// No index: announcements change the table as often as they ask.
	const same = new Map<number, WorkItem>();
	for (const { item } of state.works.values()) if (item.key === key) same.set(item.partition, item);
	return due.map((partition) => {
		const known = same.get(partition.partition);
		const isIt = known?.sectorRoot === partition.sectorRoot && known.sectorCount === partition.sectorCount;
		return isIt ? known : workItem(network, challenge, partition);
	});
}

export const byChallenge = derived((works: readonly Work[]) => Map.groupBy(works, ({ item }) => item.key));

/** Drops the least useful item; false when every one is still needed. */
function makeRoom(state: State, forOwnView: boolean): boolean {
	const epoch = currentEpoch(state.clock, state.now);
	let worst: Work | undefined;
	let worstKey = 0;
	for (const work of state.works.values()) {
		if (state.jobs.has(work.item.id)) continue;
		const over = epoch > work.item.close + limits.announcementGraceEpochs;
		// Doubted before over before unknown; of equal ones the earliest close.
		const kind = work.ownView === 'differs' ? 3 : over ? 2 : forOwnView && work.ownView === 'unknown' ? 1 : 0;
		if (kind === 0 || kind < worstKey) continue;
		if (kind === worstKey && worst !== undefined && worst.item.close <= work.item.close) continue;
		worst = work;
		worstKey = kind;
	}
	if (worst === undefined) return false;
	retire(state, worst, 'no-room');
	return true;
}

/** How many items more the member may bring in: its open ones that nobody here saw on the chain count. */
export function announcerQuota(state: State, from: NodeId, miner: ActorId): number {
	const epoch = currentEpoch(state.clock, state.now);
	let left = limits.announcerWorks;
	for (const { item, enteredBy, ownView } of state.works.values()) {
		if (enteredBy === from && item.miner === miner && ownView !== 'agrees' && epoch <= item.close) left--;
	}
	return left;
}

function createWork(state: State, item: WorkItem, enteredBy: NodeId | null): Work {
	return {
		item,
		enteredBy,
		heardAt: state.now,
		heardEpoch: currentEpoch(state.clock, state.now),
		announcers: new SortedMap(),
		tombs: new SortedMap(),
		ownView: 'unknown',
		posted: false,
		watched: false,
		claim: {
			availableAt: null,
			hedgeAt: null,
			term: 0,
			lastHolder: null,
			failures: 0,
			crashes: [],
			stockCrashed: false,
			retryAt: Number.MIN_SAFE_INTEGER,
			missing: null,
			exhausted: new SortedMap(),
			incomplete: 0,
			hopeless: false,
		},
		results: {
			best: null,
			candidates: new SortedMap(),
			bad: new SortedMap(),
			toldAt: null,
			offers: 0,
			offeredAt: Number.MIN_SAFE_INTEGER,
			acknowledged: false,
		},
		refusals: new SortedMap(),
		objections: new SortedMap(),
		questions: { open: null, asked: new SortedMap() },
		submission: { readyEpoch: null, retryEpoch: -1, refusals: 0, reason: 'no-result' },
	};
}

/** Items about which a rule may still decide something: of what is proven in full, checked and told there is nothing. */
export function unsettled(state: State): readonly Work[] {
	return state.works.values().filter(({ results, claim, questions }) => {
		const { best, candidates, acknowledged } = results;
		if (best === null || best.result.skipped.size > 0 || candidates.size > 0) return true;
		if (!acknowledged && best.statement.envelope.from === state.config.self) return true;
		return claim.availableAt !== null || claim.hedgeAt !== null || questions.open !== null;
	});
}

export function manifestOf(state: State, work: Work): Bitfield | null {
	return state.manifests.get(work.item.sectorRoot)?.sectors ?? null;
}

/** Asks for the manifests of open items: some at a time, believed before doubted, untried before tried ones. */
export function fetchManifests(state: State): void {
	if (state.manifests.values().every(({ sectors }) => sectors !== null)) return;
	const lacking = state.works.values().filter((work) => {
		const slice = state.manifests.get(work.item.sectorRoot);
		return slice !== undefined && slice.sectors === null && !slice.fetching && isReached(state, slice.retryAt);
	});
	if (lacking.length === 0) return;
	const connected = connectedPeers(state);
	if (connected.length === 0) return;
	const doubted = (work: Work): number => (unbelieved(state, work) === null ? 0 : 1);
	const triesOf = ({ item }: Work): number => state.manifests.get(item.sectorRoot)?.tries ?? 0;
	const wanted = lacking
		.filter((work) => !isPast(state, work) && !isCancelled(state, work) && work.ownView !== 'differs')
		.sort(
			(a, b) =>
				doubted(a) - doubted(b) ||
				triesOf(a) - triesOf(b) ||
				a.item.close - b.item.close ||
				(a.item.id < b.item.id ? -1 : 1),
		);
	let fetching = state.manifests.values().filter((slice) => slice.fetching).length;
	for (const work of wanted) {
		if (fetching >= limits.manifestFetches) return;
		const slice = state.manifests.get(work.item.sectorRoot);
		if (slice === undefined || slice.fetching) continue;
		// Each try begins where the last one ended, so that no set of peers is asked for ever.
		const ordered = connected
			.map((id) => ({ id, rank: manifestRank(state, work, id) }))
			.sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1))
			.map(({ id }) => id);
		const start = (slice.tries * limits.gatherPeers) % ordered.length;
		const from = [...ordered.slice(start), ...ordered.slice(0, start)].slice(0, limits.gatherPeers);
		slice.fetching = true;
		fetching++;
		effect(state, { type: 'fetch-manifest', root: work.item.sectorRoot, from });
	}
}

/** Who has the manifest soonest: announcers made it, chain and storage members need it. */
function manifestRank(state: State, work: Work, id: NodeId): number {
	const { miner } = work.item;
	if (work.announcers.has(id)) return 0;
	return hasRole(state, id, 'chain', miner) || hasRole(state, id, 'storage', miner) ? 1 : 2;
}

/** Drops items one proving period after their close, dry runs soon after it, with everything stored of them. */
export function retireWorks(state: State): void {
	const epoch = epochNow(state);
	if (epoch < 0) return;
	let left: number = limits.retiredPerSecond;
	for (const [id, work] of state.works) {
		const kept = work.item.kind === 'post' ? limits.retentionEpochs : limits.announcementGraceEpochs;
		const early = isEarly(state, work, epoch);
		if ((epoch <= work.item.close + kept && !early) || state.jobs.has(id)) continue;
		// Each looks at all others: a whole deadline at once would keep the rest of the rules waiting.
		if (left-- <= 0) return;
		retire(state, work, early ? 'not-timely' : 'past-retention');
	}
}

/** Taken in before any epoch was known, and not due for long. What is proven or sent was due: then the epoch is wrong. */
function isEarly(state: State, work: Work, epoch: number): boolean {
	if (work.ownView === 'agrees' || work.item.challenge <= epoch + limits.announcementAheadEpochs) return false;
	return work.results.best === null && liveMessageOf(state, work) === undefined;
}

/**
 * Manifests that no item names: left on the disk by a crash, or come after their item was forgotten. One that an item
 * will name is there before the item is.
 */
export function forgetManifests(state: State): void {
	const named = rootsOf(state.works);
	for (const [root, { fetching, retryAt }] of state.manifests) {
		if (fetching || named.has(root) || !isReached(state, retryAt)) continue;
		state.manifests.delete(root);
		effect(state, { type: 'forget-manifest', root });
	}
}

const rootsOf = derived((works: readonly Work[]) => new Set(works.map(({ item }) => item.sectorRoot)));

/** Forgets an item with everything stored of it. */
export function retire(state: State, work: Work, why: string): void {
	const { id } = work.item;
	decide(state, 'retire', why, { work: id });
	state.works.delete(id);
	state.storage.opened.delete(id);
	state.records.ended = state.records.ended.filter((entry) => entry.work !== id);
	del(state, keys.result(id));
	del(state, keys.claim(id));
	if (work.claim.crashes.length > 0) del(state, keys.crashes(id));
	clearAlarmsOf(state, id);
	if (work.watched) del(state, keys.watched(id));
	if (work.objections.values().some(({ spent }) => spent)) del(state, keys.objections(id));
	for (const peer of work.refusals.keys()) del(state, keys.refusal(id, peer));
	for (const [cid, message] of state.messages) {
		if (message.submission.work !== id) continue;
		state.messages.delete(cid);
		clearAlarmsOf(state, cid);
		// What was never found good was never written.
		if (counts(message) || message.held) del(state, keys.submission(message.sender, message.nonce, cid));
	}
	let sameKey = false;
	let sameRoot = false;
	for (const { item } of state.works.values()) {
		sameKey ||= item.key === work.item.key;
		sameRoot ||= item.sectorRoot === work.item.sectorRoot;
		if (sameKey && sameRoot) return;
	}
	if (!sameKey) {
		for (const identity of state.announce.statements.get(work.item.key)?.keys() ?? []) {
			del(state, keys.announcement(work.item.key, identity));
		}
		state.announce.statements.delete(work.item.key);
	}
	if (!sameRoot) {
		state.manifests.delete(work.item.sectorRoot);
		effect(state, { type: 'forget-manifest', root: work.item.sectorRoot });
	}
}

/** Members that may announce for the miner of the work. */
export function possibleAnnouncers(state: State, work: Work): number {
	return membersWith(state, 'chain', work.item.miner).length;
}
