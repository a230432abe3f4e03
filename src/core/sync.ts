/**
 * Anti-entropy. Gossip is a means to be quick; what makes all nodes know the same is this: digests are exchanged with a
 * random peer every few seconds and with each new one at once, and what differs is pulled, in its sender's own bytes.
 */
import type { Statement } from '../domain/envelope.ts';
import type { Hex32, NodeId } from '../domain/ids.ts';
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
	/** Newly connected peers and those whose digest showed something newer. */
	readonly wanted: SortedMap<NodeId, Digest | null>;
	/** The last exchange was with one of them: the next is with a random one, once it is time. */
	wasWanted: boolean;
	readonly partners: SortedMap<NodeId, Partner>;
	rounds: number;
	/** Challenges of the last digest, for as long as nothing changes and none of them is over. */
	digested: { readonly told: number; readonly challenges: readonly ChallengeDigest[] } | null;
	/** What the parts of the last digest covered, and their hashes. */
	readonly hashes: SortedMap<string, { readonly text: string; readonly hash: Hex32 }>;
}

/** What exchanges with a member came to. */
interface Partner {
	/** When the last one began, and how many failed since one went well. */
	at: number;
	failures: number;
	/** It is not asked before, unless there is nobody else. */
	restsUntil: number;
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
		wasWanted: false,
		partners: new SortedMap(),
		hashes: new SortedMap(),
		rounds: 0,
		fullPull: null,
		digested: null,
	};
}

export function onSyncPeer(state: State, peer: NodeId): void {
	state.sync.wanted.set(peer, null);
	partnerOf(state, peer).restsUntil = state.now;
	state.dirty = true;
}

/**
 * Begins the next exchange, one at a time: the wanted peer that waits longest, else a random one when it is time. Of two
 * exchanges one is random then, so that a member that always shows something newer keeps nobody from the others.
 */
export function driveSync(state: State): void {
	const { sync } = state;
	if (!state.identity.started) return;
	if (sync.active !== null) {
		if (!isReached(state, sync.active.at + limits.syncTimeoutMs)) return;
		fail(state, sync.active.peer);
	}
	const isTime = isReached(state, sync.nextAt);
	if (sync.wanted.size === 0 && !isTime) return;
	const connected = connectedPeers(state);
	for (const id of sync.wanted.keys()) if (!connected.includes(id)) sync.wanted.delete(id);
	for (const id of sync.partners.keys()) if (!state.peers.has(id)) sync.partners.delete(id);
	const wanted = isTime && sync.wasWanted ? undefined : longestWaiting(state);
	if (wanted !== undefined) {
		sync.wasWanted = true;
		begin(state, wanted[0], wanted[1]);
		return;
	}
	if (!isTime || connected.length === 0) return;
	sync.nextAt = state.now + limits.syncMs;
	sync.wasWanted = false;
	const rested = connected.filter((id) => isRested(state, id));
	const from = rested.length > 0 ? rested : connected;
	const chosen = from[jitter(state.config.self, 'sync', sync.rounds++, from.length)];
	if (chosen !== undefined) begin(state, chosen, null);
}

function longestWaiting(state: State): readonly [NodeId, Digest | null] | undefined {
	const { wanted, partners } = state.sync;
	const lastAt = (id: NodeId): number => partners.get(id)?.at ?? Number.MIN_SAFE_INTEGER;
	const ready = wanted.entries().filter(([id]) => isRested(state, id));
	return ready.sort(([a], [b]) => lastAt(a) - lastAt(b))[0];
}

function partnerOf(state: State, id: NodeId): Partner {
	return state.sync.partners.obtain(id, () => ({
		at: Number.MIN_SAFE_INTEGER,
		failures: 0,
		restsUntil: state.now,
	}));
}

function isRested(state: State, id: NodeId): boolean {
	const partner = state.sync.partners.get(id);
	return partner === undefined || isReached(state, partner.restsUntil);
}

/** An exchange that ended without an answer took as long as many others would: the next with that member can wait. */
function fail(state: State, peer: NodeId): void {
	state.sync.active = null;
	const partner = partnerOf(state, peer);
	partner.restsUntil = state.now + limits.syncMs * 2 ** Math.min(partner.failures++, limits.syncDoublings);
}

function begin(state: State, peer: NodeId, theirs: Digest | null): void {
	const { sync } = state;
	sync.wanted.delete(peer);
	partnerOf(state, peer).at = state.now;
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
	if (digest === null) fail(state, peer);
	else pullFrom(state, peer, digest);
	if (state.sync.nextAt < state.talkAt) state.talkAt = state.sync.nextAt;
	if (state.sync.wanted.size > 0) state.dirty = true;
}

/** A peer shows what it knows: it gets the same from here, and what it has newer is pulled in turn. */
export function onSyncAsked(state: State, { request, peer, digest }: EventOf<'sync-asked'>): void {
	effect(state, { type: 'answer-sync', request, digest: buildDigest(state) });
	if (isEmpty(buildPull(state, digest))) return;
	state.sync.wanted.set(peer, digest);
	state.dirty = true;
}

function pullFrom(state: State, peer: NodeId, theirs: Digest): void {
	const { sync } = state;
	const pull = buildPull(state, theirs);
	if (isEmpty(pull)) {
		complete(state, peer);
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
	if (!ok) {
		fail(state, peer);
		return;
	}
	if (more || !isWhole) {
		partnerOf(state, peer).failures = 0;
		sync.fullPull = asked;
		sync.wanted.set(peer, null);
	} else {
		complete(state, peer);
	}
}

/** After the first whole exchange this node knows enough to claim. */
function complete(state: State, peer: NodeId): void {
	partnerOf(state, peer).failures = 0;
	if (state.sync.completed++ > 0) return;
	state.dirty = true;
	touch(state);
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
