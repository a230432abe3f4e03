/**
 * Who is alive. Silence alone never ends a lease: the holder is probed first, directly and through others. A connection
 * that was reset asks for the probe at once. When many members fall silent together the network is split rather than
 * they dead, and their leases are honoured until it is almost too late. This node's own slowness makes it patient.
 */
import type { NodeId } from '../domain/ids.ts';
import type { ReleaseReason } from '../domain/lease.ts';
import { limits } from '../domain/limits.ts';
import type { EventOf } from './api.ts';
import type { EpochMark } from './epoch-clock.ts';
import { hasRole } from './members.ts';
import { decide, effect } from './outbox.ts';
import { jitter } from './rank.ts';
import type { SortedMap } from './sorted-map.ts';
import type { State, StatementOf } from './state.ts';
import { isReached, touch } from './wake.ts';

/** What is known of one member. */
export interface Peer {
	record: StatementOf<'rec'> | null;
	/** When the record was new at the latest: its arrival less its age at the relay. */
	recordAt: number;
	/** Last sign of life: record, statement or answered probe. */
	aliveAt: number;
	connected: boolean;
	probing: boolean;
	/** When the last probe began. */
	probedAt: number;
	/** A reset or a suspicion asks for a probe now. */
	suspect: boolean;
	/** All probes were silent after the last sign of life. */
	dead: boolean;
	/** Fell silent together with many others: its leases are honoured until it is almost too late. */
	vanished: boolean;
	/** Leases that expired without a result, one after another. */
	expiries: number;
	/** Why it gave up the lease that it told of last; the record names those it gave up in the order of their items. */
	lastRelease: ReleaseReason | null;
	/** No result of it is heeded before this epoch. */
	distrustedUntil: number;
	/** Newest epoch it spoke of, when. */
	mark: EpochMark | null;
	/** The mark that the length of its epochs was last learned from, and that length. */
	pace: EpochMark | null;
	paceMs: number | null;
}

export interface LivenessSlice {
	lastTickAt: number | null;
	/** 0 to 8. */
	health: number;
	/** Some member may be under suspicion. */
	suspicion: boolean;
	/** Time of the last good tick, for the slow recovery of health. */
	healthAt: number;
	/** Peers whose connection was reset here, until when they are named in the record. */
	resets: SortedMap<NodeId, number>;
	/** When members were last probed as a sample. */
	sampledAt: number;
}

export function createPeer(): Peer {
	return {
		record: null,
		recordAt: Number.MIN_SAFE_INTEGER,
		aliveAt: Number.MIN_SAFE_INTEGER,
		connected: false,
		probing: false,
		probedAt: Number.MIN_SAFE_INTEGER,
		suspect: false,
		dead: false,
		vanished: false,
		expiries: 0,
		lastRelease: null,
		distrustedUntil: -1,
		mark: null,
		pace: null,
		paceMs: null,
	};
}

export function peerOf(state: State, id: NodeId): Peer {
	return state.peers.obtain(id, createPeer);
}

/** Milliseconds since the last sign of life. */
function silenceMs(state: State, peer: Peer): number {
	return state.now - lastSign(peer);
}

/** True once the member has been silent for so long. */
export function isSilentFor(state: State, peer: Peer, ms: number): boolean {
	return isReached(state, lastSign(peer) + ms);
}

function lastSign({ recordAt, aliveAt }: Peer): number {
	return Math.max(recordAt, aliveAt);
}

/** Silence that ends a lease. A member whose leases keep expiring is given less. */
export function silenceLimitMs(state: State, peer: Peer): number {
	return patient(state, peer.expiries >= limits.expiriesTrusted ? limits.distrustedLeaseMs : limits.leaseMs);
}

/** A time limit for judging others, longer while this node itself is slow. */
export function patient(state: State, ms: number): number {
	return ms + Math.floor((ms * state.liveness.health) / 2);
}

/** Heard within the ranking time and not known to be dead. */
export function isPresent(state: State, id: NodeId): boolean {
	if (id === state.config.self) return true;
	const peer = state.peers.get(id);
	return peer !== undefined && isPeerPresent(state, peer);
}

/** The same of another member whose slice is at hand. */
export function isPeerPresent(state: State, peer: Peer): boolean {
	return peer.record !== null && !peer.dead && !isReached(state, peer.recordAt + limits.rankMs + 1);
}

export function connectedPeers(state: State): readonly NodeId[] {
	return state.peers.entries().flatMap(([id, { connected }]) => (connected ? [id] : []));
}

export function onConnected(state: State, id: NodeId): void {
	if (!state.roster.byId.has(id)) return;
	const peer = peerOf(state, id);
	// What was said before anybody could hear it, the true leases after a crash among it, is said again.
	if (connectedPeers(state).length === 0) state.records.changed = true;
	peer.connected = true;
	peer.suspect = false;
	state.dirty = true;
}

export function onDisconnected(state: State, { peer: id, cause }: EventOf<'disconnected'>): void {
	const peer = state.peers.get(id);
	if (peer === undefined) return;
	peer.connected = false;
	state.dirty = true;
	if (cause !== 'reset' || peer.record === null) return;
	peer.suspect = true;
	state.liveness.suspicion = true;
	state.liveness.resets.set(id, state.now + limits.resetToldMs);
	state.records.changed = true;
	decide(state, 'suspect', 'connection-reset', { peer: id });
}

/** Another member saw a reset: only this node's own probe counts. */
export function onSuspicion(state: State, suspects: readonly NodeId[]): void {
	for (const id of suspects) {
		const peer = state.peers.get(id);
		if (peer === undefined || peer.dead || peer.suspect || silenceMs(state, peer) < limits.probeMs) continue;
		peer.suspect = true;
		state.liveness.suspicion = true;
		state.dirty = true;
	}
}

export function onProbed(state: State, { peer: id, alive }: EventOf<'probed'>): void {
	const peer = state.peers.get(id);
	if (peer === undefined || !peer.probing) return;
	peer.probing = false;
	state.dirty = true;
	if (alive) {
		peer.aliveAt = state.now;
		peer.suspect = false;
		peer.dead = false;
		return;
	}
	// Silence of the probes says nothing against a word that came while they were on their way.
	if (peer.dead || lastSign(peer) > peer.probedAt) return;
	peer.dead = true;
	decide(state, 'presume-dead', peer.suspect ? 'reset-and-silent' : 'silent', { peer: id });
	if (holdsLease(peer)) peer.expiries++;
	noticeMassLoss(state);
}

/** A newer record: the member lives. */
export function onAlive(peer: Peer, recordAt: number): void {
	peer.recordAt = Math.max(peer.recordAt, recordAt);
	peer.suspect = false;
	peer.dead = false;
	peer.vanished = false;
}

export function onTick(state: State): void {
	const slice = state.liveness;
	const late = slice.lastTickAt !== null && state.now - slice.lastTickAt > limits.lateTickMs;
	slice.lastTickAt = state.now;
	if (late) {
		slice.health = Math.min(limits.healthMost, slice.health + 1);
		slice.healthAt = state.now;
		touch(state);
	} else if (slice.health > 0 && state.now - slice.healthAt >= limits.healthRecoveryMs) {
		slice.health--;
		slice.healthAt = state.now;
		touch(state);
	}
	for (const [id, until] of slice.resets) if (until <= state.now) slice.resets.delete(id);
}

/** Probes whoever is about to be taken for dead. */
export function probeSilent(state: State): void {
	if (state.records.leases.size === 0 && !state.liveness.suspicion) return;
	state.liveness.suspicion = false;
	for (const [id, peer] of state.peers) {
		state.liveness.suspicion ||= peer.suspect;
		if (peer.record === null || peer.dead || peer.probing) continue;
		const near = silenceLimitMs(state, peer) - limits.probeMs;
		if (peer.suspect || (holdsLease(peer) && isSilentFor(state, peer, near))) probe(state, id, peer);
	}
}

function probe(state: State, id: NodeId, peer: Peer): void {
	peer.probing = true;
	peer.probedAt = state.now;
	const others = connectedPeers(state).filter((other) => other !== id);
	const first = jitter(state.config.self, id, Math.floor(state.now / limits.tickMs), Math.max(1, others.length));
	const via = [...others.slice(first), ...others.slice(0, first)].slice(0, limits.probeVia);
	effect(state, { type: 'probe', peer: id, via, timeoutMs: limits.probeMs });
}

/** Nobody doubts that it lives: its leases count now and went on counting since its last word. */
export function isTrusted(state: State, peer: Peer): boolean {
	const doubted = peer.dead || peer.suspect || peer.vanished || peer.probing;
	return !doubted && silenceMs(state, peer) < silenceLimitMs(state, peer) - limits.probeMs;
}

/** A record that gave the rules nothing to decide: its sender is probed in time all the same. */
export function watchHolder(state: State, peer: Peer): void {
	if (holdsLease(peer) && isSilentFor(state, peer, silenceLimitMs(state, peer) - limits.probeMs)) touch(state);
}

function holdsLease(peer: Peer): boolean {
	return (peer.record?.envelope.body.leases.length ?? 0) > 0;
}

/** Several silent members at once: asks a sample of the others, and judges by what is known so far. */
function noticeMassLoss(state: State): void {
	const recent = [...state.peers].filter(
		([id, peer]) => peer.record !== null && hasRole(state, id, 'prover') && state.now - peer.recordAt <= limits.rankMs,
	);
	if (state.now - state.liveness.sampledAt >= limits.samplePauseMs) {
		state.liveness.sampledAt = state.now;
		const silent = recent.filter(([, peer]) => !peer.dead && !peer.probing && silenceMs(state, peer) > limits.renewMs);
		for (const [id, peer] of silent.slice(0, limits.massProbes)) probe(state, id, peer);
	}
	// A reset shows a process that died; only silence may be a split.
	const lost = recent.filter(([, peer]) => peer.dead && !peer.suspect);
	if (lost.length < limits.massLossLeast || lost.length * 100 < recent.length * limits.massLossPercent) return;
	for (const [, peer] of lost) peer.vanished = true;
}
