/**
 * Anti-entropy. Gossip is a means to be quick; what makes all nodes know the same is this: digests are exchanged with a
 * random peer every few seconds and with each new one at once, and what differs is pulled, in its sender's own bytes.
 */
import type { Statement } from '../domain/envelope.ts';
import type { Epoch, Hex32, NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { ChallengeDigest, Digest } from '../domain/sync.ts';
import type { AgedStatement, EventOf } from './api.ts';
import { buildDigest, buildPull, cutToSize, hashOf, isEmpty, newerOf } from './digest.ts';
import { isNewer } from './identity.ts';
import { connectedPeers } from './liveness.ts';
import { effect } from './outbox.ts';
import { jitter } from './rank.ts';
import { ownStatement } from './records.ts';
import { SortedMap } from './sorted-map.ts';
import type { State } from './state.ts';
import { isReached, touch } from './wake.ts';

export interface SyncSlice {
	/** Completed exchanges since start, and when the node started. */
	completed: number;
	startedAt: number;
	/** The exchange in progress. */
	active:
		| { readonly peer: NodeId; readonly at: number; readonly stage: 'digest' }
		| {
				readonly peer: NodeId;
				readonly at: number;
				readonly stage: 'pull';
				readonly asked: Hex32;
				readonly isWhole: boolean;
		  }
		| null;
	nextAt: number;
	/** The last question whose answer was full, hashed. */
	fullPull: Hex32 | null;
	/** Newly connected peers and those whose digest showed something newer, in key order. */
	readonly wanted: SortedMap<NodeId, Digest | null>;
	rounds: number;
	/** Challenges of the last digest, for as long as nothing changes in the epoch. */
	digested: { readonly told: number; readonly epoch: Epoch; readonly challenges: readonly ChallengeDigest[] } | null;
	/** What the parts of the last digest covered, and their hashes. */
	readonly hashes: SortedMap<string, { readonly text: string; readonly hash: Hex32 }>;
}

/** Bytes of an own statement before it is sealed: an estimate that keeps answers below their bound. */
const OWN_STATEMENT_BYTES = 16 * 1024;

export function createSyncSlice(now: number): SyncSlice {
	return {
		completed: 0,
		startedAt: now,
		active: null,
		nextAt: now,
		wanted: new SortedMap(),
		hashes: new SortedMap(),
		rounds: 0,
		fullPull: null,
		digested: null,
	};
}

export function onSyncPeer(state: State, peer: NodeId): void {
	state.sync.wanted.set(peer, null);
	state.dirty = true;
}

/** Begins the next exchange: wanted peers first, else a random one when it is time. One at a time. */
export function driveSync(state: State): void {
	const { sync } = state;
	if (!state.identity.started) return;
	if (sync.active !== null && !isReached(state, sync.active.at + limits.syncTimeoutMs)) return;
	sync.active = null;
	if (sync.wanted.size === 0 && !isReached(state, sync.nextAt)) return;
	const connected = connectedPeers(state);
	for (const id of sync.wanted.keys()) if (!connected.includes(id)) sync.wanted.delete(id);
	const [wanted] = sync.wanted.entries();
	if (wanted !== undefined) {
		begin(state, wanted[0], wanted[1]);
		return;
	}
	if (!isReached(state, sync.nextAt) || connected.length === 0) return;
	sync.nextAt = state.now + limits.syncMs;
	const chosen = connected[jitter(state.config.self, 'sync', sync.rounds++, connected.length)];
	if (chosen !== undefined) begin(state, chosen, null);
}

function begin(state: State, peer: NodeId, theirs: Digest | null): void {
	const { sync } = state;
	sync.wanted.delete(peer);
	if (theirs !== null) {
		pullFrom(state, peer, theirs);
	} else {
		sync.active = { peer, at: state.now, stage: 'digest' };
		effect(state, { type: 'sync', peer, digest: buildDigest(state) });
	}
	// Where there was nothing to pull, the next one is looked at with the next tick.
	isReached(state, sync.active === null ? state.now + 1 : sync.active.at + limits.syncTimeoutMs);
}

export function onSyncAnswered(state: State, { peer, digest }: EventOf<'sync-answered'>): void {
	if (state.sync.active?.peer !== peer || state.sync.active.stage !== 'digest') return;
	state.sync.active = null;
	if (digest !== null) pullFrom(state, peer, digest);
	if (isReached(state, state.sync.nextAt)) touch(state);
	if (state.sync.wanted.size > 0) state.dirty = true;
}

/** A peer shows what it knows: it gets the same from here, and what it has newer is pulled in turn. */
export function onSyncAsked(state: State, { request, peer, digest }: EventOf<'sync-asked'>): void {
	const ours = buildDigest(state);
	effect(state, { type: 'answer-sync', request, digest: ours });
	if (isEmpty(buildPull(state, ours, digest))) return;
	state.sync.wanted.set(peer, digest);
	state.dirty = true;
}

function pullFrom(state: State, peer: NodeId, theirs: Digest): void {
	const { sync } = state;
	const pull = buildPull(state, buildDigest(state), theirs);
	if (isEmpty(pull)) {
		complete(state);
		return;
	}
	const asked = hashOf([peer, JSON.stringify(pull)]);
	if (asked === sync.fullPull) {
		// The same would come again, to be judged no sooner: it waits for a round of its own.
		sync.fullPull = null;
		sync.nextAt = state.now + limits.syncMs;
		return;
	}
	const part = cutToSize(state, peer, pull);
	sync.active = { peer, at: state.now, stage: 'pull', asked, isWhole: part === pull };
	effect(state, { type: 'pull', peer, pull: part });
}

export function onPulled(state: State, { peer, ok, more }: EventOf<'pulled'>): void {
	const { sync } = state;
	if (sync.active?.peer !== peer || sync.active.stage !== 'pull') return;
	const { asked, isWhole } = sync.active;
	sync.active = null;
	state.dirty = true;
	if (!ok) return;
	if (more || !isWhole) {
		sync.fullPull = asked;
		sync.wanted.set(peer, null);
	} else {
		complete(state);
	}
}

/** After the first whole exchange this node knows enough to claim. */
function complete(state: State): void {
	if (state.sync.completed++ === 0) state.dirty = true;
}

export function onPullAsked(state: State, { request, pull }: EventOf<'pull-asked'>): void {
	const statements: AgedStatement[] = [];
	let bytes = 0;
	let more = false;
	const offer = (statement: Statement | null, ageMs = 0): void => {
		if (statement === null || more) return;
		bytes += statement.raw?.length ?? OWN_STATEMENT_BYTES;
		more = bytes > limits.pullAnswerBytes / 2 || statements.length >= limits.pullAnswerStatements;
		if (!more) statements.push({ statement, ageMs });
	};
	for (const id of pull.records) {
		const peer = state.peers.get(id);
		if (id === state.config.self) offer(ownStatement(state), state.now - state.records.sentAt);
		else if (peer?.record != null) offer(peer.record, Math.max(0, state.now - peer.recordAt));
	}
	for (const known of pull.challenges) for (const statement of newerOf(state, known)) offer(statement);
	if (pull.holdings !== null) {
		const theirs = new Map(pull.holdings.map((known) => [`${known.node}/${known.miner}`, known]));
		for (const [key, statement] of state.holdings.statements) {
			const known = theirs.get(key);
			if (known === undefined || isNewer(statement.envelope, known)) offer(statement);
		}
	}
	effect(state, { type: 'answer-pull', request, roster: pull.roster, statements, more });
}
