/**
 * The whole state of the core as bytes and back, so that a recording can begin in the middle of a node's life and still
 * replay bit for bit. By structure, not by name: a new field needs no code here, a new kind of value does.
 */
import { cborList, cborTuple, decodeCbor, encodeCbor } from '../codec/cbor.ts';
import { decodeBitfield, encodeBitfield } from '../codec/rle-plus.ts';
import { Bitfield } from '../domain/bitfield.ts';
import { assert } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { SortedMap } from './sorted-map.ts';
import type { State } from './state.ts';

const UNBOUNDED = { maxBytes: limits.snapshotBytes, maxRuns: limits.snapshotBytes, maxSize: Number.MAX_SAFE_INTEGER };

/** Between two steps only: effects that were not carried out are not part of it. */
export function encodeSnapshot(state: State): Uint8Array {
	return encodeCbor(pack({ ...state, out: { persist: [], after: [] } }));
}

/** Throws `bad-cbor`. A snapshot is read by the version of the core that made it, which the recording names. */
export function decodeSnapshot(bytes: Uint8Array): State {
	return unpack(decodeCbor(bytes, limits.snapshotBytes, 'snapshot')) as State;
}

/** Every compound value as [kind, content], so that nothing is taken for something else. */
function pack(value: unknown): unknown {
	if (value === undefined) return ['undefined', null];
	if (typeof value === 'bigint') return ['bigint', String(value)];
	if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
	if (typeof value === 'number') {
		assert(Number.isSafeInteger(value), 'the core holds no floats');
		return value;
	}
	if (value instanceof Uint8Array) return ['bytes', value];
	if (value instanceof Bitfield) return ['bitfield', encodeBitfield(value)];
	if (value instanceof SortedMap) return ['map', [...value].map(([key, member]) => [key, pack(member)])];
	if (Array.isArray(value)) return ['list', value.map(pack)];
	assert(typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype, 'the core holds plain data');
	const names = Object.keys(value).sort();
	return ['object', names.map((name) => [name, pack(value[name as keyof typeof value])])];
}

function unpack(value: unknown): unknown {
	if (!Array.isArray(value)) return value;
	const [kind, content] = cborTuple(value, 2, 'packed value');
	switch (kind) {
		case 'undefined':
			return undefined;
		case 'bigint':
			return BigInt(String(content));
		case 'bytes':
			return content;
		case 'bitfield':
			return decodeBitfield(content as Uint8Array, UNBOUNDED);
		case 'list':
			return cborList(content, limits.snapshotBytes, 'list').map(unpack);
		case 'map': {
			const map = new SortedMap<string | number, unknown>();
			for (const [key, member] of pairs(content)) map.set(key, unpack(member));
			return map;
		}
		default:
			return Object.fromEntries(pairs(content).map(([name, member]) => [name, unpack(member)]));
	}
}

function pairs(content: unknown): readonly (readonly [string | number, unknown])[] {
	return cborList(content, limits.snapshotBytes, 'members').map((member) => {
		const [key, value] = cborTuple(member, 2, 'member');
		return [key as string | number, value];
	});
}
