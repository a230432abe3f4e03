/** What the roster lets a member do, and the rendezvous order of members for a key. */
import type { ActorId, Hex32, NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Role, Roster, RosterPeer } from '../domain/roster.ts';
import { alarm } from './outbox.ts';
import { preference } from './rank.ts';
import { SortedMap } from './sorted-map.ts';
import type { State } from './state.ts';
import { isReached } from './wake.ts';

export interface RosterSlice {
	roster: Roster;
	hash: Hex32;
	byId: SortedMap<NodeId, RosterPeer>;
}

/** Members with the role for the miner in rendezvous order of a key. Their scores are not kept: 16,384 items of 50 members take 140 MB with them, 16 without. */
interface Ranking {
	readonly role: Role;
	readonly miner: ActorId;
	readonly order: readonly NodeId[];
}

/** Preference lists by key: they follow from the roster alone, and are gone with it. */
const rankingsOf = new WeakMap<Roster, Map<string, readonly Ranking[]>>();

export function createRosterSlice(roster: Roster, hash: Hex32): RosterSlice {
	const byId = new SortedMap<NodeId, RosterPeer>();
	for (const peer of roster.peers) byId.set(peer.id, peer);
	return { roster, hash, byId };
}

/** The highest version wins; of two equal ones the lower hash, with an alarm on every node. True if it is in force now. */
export function adoptRoster(state: State, roster: Roster, hash: Hex32): boolean {
	const slice = state.roster;
	if (hash === slice.hash) return false;
	if (roster.version === slice.roster.version) {
		alarm(state, 'roster-conflict', String(roster.version), { ours: slice.hash, theirs: hash });
	}
	const newer = roster.version > slice.roster.version || (roster.version === slice.roster.version && hash < slice.hash);
	if (!newer || roster.network !== state.config.network) return false;
	Object.assign(slice, createRosterSlice(roster, hash));
	for (const id of state.peers.keys()) {
		if (slice.byId.has(id)) continue;
		state.peers.delete(id);
		for (const held of state.records.leases.values()) held.delete(id);
	}
	state.records.changed = true;
	state.dirty = true;
	return true;
}

/** True if the roster gives the member this role, for this miner when one is named. */
export function hasRole(state: State, id: NodeId, role: Role, miner?: ActorId): boolean {
	const peer = state.roster.byId.get(id);
	if (peer === undefined || !peer.roles.includes(role)) return false;
	return miner === undefined || peer.miners.length === 0 || peer.miners.includes(miner);
}

/** True if this node has the means for the role and the roster allows it. */
export function selfHasRole(state: State, role: Role, miner?: ActorId): boolean {
	return state.config.roles.includes(role) && hasRole(state, state.config.self, role, miner);
}

export function membersWith(state: State, role: Role, miner?: ActorId): readonly NodeId[] {
	return state.roster.byId.keys().filter((id) => hasRole(state, id, role, miner));
}

/** Address that sends for the miner; undefined for a miner that the roster does not name. */
export function senderOf(state: State, miner: ActorId): string | undefined {
	return state.roster.roster.miners.find((entry) => entry.miner === miner)?.sender;
}

export function nameOf(state: State, id: NodeId): string {
	return state.roster.byId.get(id)?.name ?? id;
}

/** All members with the role in rendezvous order for the key. Kept until the roster changes. */
export function ranking(state: State, key: string, role: Role, miner: ActorId): readonly NodeId[] {
	const { roster, byId } = state.roster;
	const rankings = rankingsOf.get(roster) ?? new Map<string, readonly Ranking[]>();
	rankingsOf.set(roster, rankings);
	const known = rankings.get(key) ?? [];
	for (const kept of known) if (kept.role === role && kept.miner === miner) return kept.order;
	// Cheap to make again: start over rather than keep an order of use.
	if (rankings.size >= limits.works) rankings.clear();
	const nodes = membersWith(state, role, miner).map((id) => ({ id, weight: byId.get(id)?.weight ?? 1 }));
	const order = preference(key, nodes).map(({ id }) => id);
	rankings.set(key, [...known, { role, miner, order }]);
	return order;
}

/** True once this node knows what the others do: after a whole sync, after waiting for one in vain, or with nobody to ask. */
export function isSynced(state: State): boolean {
	const { config, roster, sync } = state;
	if (sync.completed > 0 || roster.roster.peers.every(({ id }) => id === config.self)) return true;
	return isReached(state, sync.startedAt + limits.firstSyncMs);
}
