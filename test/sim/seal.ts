/** Envelopes as they travel: encoded once, and shared by everyone who hears them, who may not change them. */
import { isDeepStrictEqual } from 'node:util';
import { decodeEnvelope, sealEnvelope } from '../../src/codec/envelope.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import type { Envelope } from '../../src/domain/envelope.ts';
import type { SimNode } from './node.ts';
import { envelopeSignature } from './proofs.ts';

export interface Sealed {
	readonly envelope: Envelope;
	readonly raw: Uint8Array;
}

/** Of so many envelopes one is decoded: others must read from its bytes what its sender said. */
const READ_EVERY = 16;

const sealed = new WeakMap<Envelope, Sealed>();

/** An envelope of this machine, as others read it. Throws when its bytes say something else. */
export function sealOwn(node: Pick<SimNode, 'index'>, envelope: Envelope): Sealed {
	const known = sealed.get(envelope);
	if (known !== undefined) return known;
	const raw = sealEnvelope(envelope, () => envelopeSignature(node.index));
	if (envelope.sequence % READ_EVERY === 0 && !isDeepStrictEqual(decodeEnvelope(raw).envelope, envelope)) {
		throw new Error(`an envelope of kind ${envelope.kind} does not say what its sender said`);
	}
	const made = { envelope: freeze(envelope), raw };
	sealed.set(envelope, made);
	return made;
}

/** Bytes cannot be frozen, and bitfields cannot be changed. */
function freeze<T>(value: T): T {
	if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Bitfield) {
		return value;
	}
	if (Object.isFrozen(value)) return value;
	// An array is a list of its own kind: its indices are not asked for by name.
	for (const member of Array.isArray(value) ? value : Object.values(value)) {
		if (typeof member === 'object') freeze(member);
	}
	return Object.freeze(value);
}
