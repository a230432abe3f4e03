/**
 * The strictly rising (incarnation, sequence) of this node's statements, across crashes: sequences are reserved on disk
 * in blocks before the first of a block is used. A statement of this identity from its own future means that the key
 * is in use elsewhere.
 */
import type { Envelope, EnvelopeBody } from '../domain/envelope.ts';
import { limits } from '../domain/limits.ts';
import { currentEpoch } from './epoch-clock.ts';
import { keys, writeNumbers } from './keys.ts';
import { alarm, effect, put } from './outbox.ts';
import type { State } from './state.ts';

/** The strictly rising (incarnation, sequence) of this node's statements. */
export interface IdentitySlice {
	incarnation: number;
	/** Next sequence, and the first one that is not yet reserved on disk. */
	sequence: number;
	reserved: number;
	/** The key speaks elsewhere: claims stop. */
	cloned: boolean;
	/** The node ends in order: nothing new is begun. */
	stopping: boolean;
	started: boolean;
}

/** Place of a statement among those of its author. */
export interface Said {
	readonly incarnation: number;
	readonly sequence: number;
}

/** Gossips a body in a new envelope of this node and returns the envelope. */
export function publish<B extends EnvelopeBody>(state: State, body: B): Envelope & B {
	const { identity, config } = state;
	if (identity.sequence >= identity.reserved) {
		identity.reserved = identity.sequence + limits.sequenceBlock;
		put(state, keys.sequence, writeNumbers([identity.reserved]));
	}
	const envelope = {
		network: config.network,
		from: config.self,
		incarnation: identity.incarnation,
		sequence: identity.sequence++,
		epoch: currentEpoch(state.clock, state.now),
		...body,
	} as Envelope & B;
	effect(state, { type: 'publish', envelope });
	return envelope;
}

/** Makes the new life durable; its first statements leave with the same batch. */
export function beginIncarnation(state: State): void {
	state.identity.started = true;
	put(state, keys.incarnation, writeNumbers([state.identity.incarnation]));
}

/** Judges a statement that names this node as its sender. */
export function heedOwnStatement(state: State, envelope: Envelope): void {
	const { identity, sync } = state;
	const future =
		envelope.incarnation > identity.incarnation ||
		(envelope.incarnation === identity.incarnation && envelope.sequence >= identity.sequence);
	if (!future || identity.cloned) return;
	if (envelope.incarnation > identity.incarnation && sync.completed === 0) {
		// A node that lost its disk meets its former life before its first sync ended: it goes on after it.
		identity.incarnation = envelope.incarnation + 1;
		beginIncarnation(state);
		state.records.changed = true;
		return;
	}
	identity.cloned = true;
	alarm(state, 'key-cloned', state.config.self, { incarnation: envelope.incarnation, sequence: envelope.sequence });
}

/** True if `a` was said after `b` by the same node. */
export function isNewer(
	a: { readonly incarnation: number; readonly sequence: number },
	b: { readonly incarnation: number; readonly sequence: number },
): boolean {
	return a.incarnation !== b.incarnation ? a.incarnation > b.incarnation : a.sequence > b.sequence;
}
