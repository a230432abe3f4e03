/** The table of work items: what is known to be due, and forgetting it when nobody can need it any more. */
import type { Bitfield } from '../domain/bitfield.ts';
import type { WorkId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { WorkItem } from '../domain/work.ts';
import { currentEpoch } from './epoch-clock.ts';
import { keys } from './keys.ts';
import { membersWith } from './members.ts';
import { decide, del, effect, ignore } from './outbox.ts';
import { SortedMap } from './sorted-map.ts';
import type { State, Work } from './state.ts';

/** The work of an item, entered into the table if there is room. */
export function enterWork(state: State, item: WorkItem): Work | undefined {
	const known = state.works.get(item.id);
	if (known !== undefined) return known;
	if (state.works.size >= limits.works) {
		ignore(state, 'too-many-works');
		return undefined;
	}
	const work = createWork(state, item);
	state.works.set(item.id, work);
	state.manifests.obtain(item.sectorRoot, () => ({ sectors: null, fetching: false, retryAt: state.now, tries: 0 }));
	state.dirty = true;
	return work;
}

function createWork(state: State, item: WorkItem): Work {
	return {
		item,
		heardAt: state.now,
		heardEpoch: currentEpoch(state.clock, state.now),
		announcers: new SortedMap(),
		tombs: new SortedMap(),
		ownView: 'unknown',
		posted: false,
		claim: {
			availableAt: null,
			hedgeAt: null,
			term: 0,
			lastHolder: null,
			failures: 0,
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
		submission: { readyEpoch: null, retryEpoch: -1, refusals: 0, reason: 'no-result' },
	};
}

export function manifestOf(state: State, work: Work): Bitfield | null {
	return state.manifests.get(work.item.sectorRoot)?.sectors ?? null;
}

/** Asks for the manifests of open items: announcers first, then whoever is connected. */
export function fetchManifests(state: State): void {
	for (const work of state.works.values()) {
		const slice = state.manifests.get(work.item.sectorRoot);
		if (slice === undefined || slice.sectors !== null || slice.fetching || slice.retryAt > state.now) continue;
		const connected = state.peers.keys().filter((id) => state.peers.get(id)?.connected === true);
		const announcers = connected.filter((id) => work.announcers.has(id));
		const others = connected.filter((id) => !work.announcers.has(id));
		const from = [...announcers, ...others].slice(0, limits.gatherPeers);
		if (from.length === 0) continue;
		slice.fetching = true;
		effect(state, { type: 'fetch-manifest', root: work.item.sectorRoot, from });
	}
}

/** Drops items one proving period after their close, dry runs soon after it, with everything stored of them. */
export function retireWorks(state: State): void {
	const epoch = currentEpoch(state.clock, state.now);
	if (epoch < 0) return;
	for (const [id, work] of state.works) {
		const kept = work.item.kind === 'post' ? limits.retentionEpochs : limits.announcementGraceEpochs;
		if (epoch <= work.item.close + kept || state.jobs.has(id)) continue;
		retire(state, id, work);
	}
}

function retire(state: State, id: WorkId, work: Work): void {
	decide(state, 'retire', 'past-retention', { work: id });
	state.works.delete(id);
	state.storage.opened.delete(id);
	state.records.ended = state.records.ended.filter((entry) => entry.work !== id);
	state.records.objections = state.records.objections.filter((entry) => entry.work !== id);
	del(state, keys.result(id));
	del(state, keys.claim(id));
	for (const peer of work.refusals.keys()) del(state, keys.refusal(id, peer));
	for (const [cid, message] of state.messages) {
		if (message.submission.work !== id) continue;
		state.messages.delete(cid);
		del(state, keys.submission(message.sender, message.nonce, cid));
	}
	const rest = [...state.works.values()];
	if (!rest.some(({ item }) => item.key === work.item.key)) {
		for (const identity of state.announce.statements.get(work.item.key)?.keys() ?? []) {
			del(state, keys.announcement(work.item.key, identity));
		}
		state.announce.statements.delete(work.item.key);
	}
	if (!rest.some(({ item }) => item.sectorRoot === work.item.sectorRoot)) {
		state.manifests.delete(work.item.sectorRoot);
		effect(state, { type: 'forget-manifest', root: work.item.sectorRoot });
	}
}

/** Members that may announce for the miner of the work. */
export function possibleAnnouncers(state: State, work: Work): number {
	return membersWith(state, 'chain', work.item.miner).length;
}
