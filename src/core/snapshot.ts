/** The whole state of the core as bytes and back, so that a recording can begin in the middle of a node's life. */
import { PosterError } from '../domain/errors.ts';
import { Packer } from './packer.ts';
import { SortedMap } from './sorted-map.ts';
import type { State } from './state.ts';
import { Unpacker } from './unpacker.ts';

export function encodeSnapshot(state: State): Uint8Array {
	const packer = new Packer();
	for (const _ of putSnapshot(packer, state));
	return packer.take();
}

/** Throws `bad-packed`. A snapshot is read by the version of the core that made it, which the recording names. */
export function decodeSnapshot(bytes: Uint8Array): State {
	return readSnapshot(new Unpacker().read(bytes));
}

/**
 * Between two steps, and none until it has ended: effects that were not carried out are not part of it. It pauses after
 * every member of the large maps, since 3,000 items together take longer than an event loop may stand still.
 */
export function* putSnapshot(packer: Packer, state: State): Generator<void> {
	const fields = Object.entries({ ...state, out: { persist: [], after: [] } });
	packer.put(fields.length);
	for (const [field, value] of fields) {
		packer.put(field);
		packer.put(value instanceof SortedMap ? value.size : null);
		if (value instanceof SortedMap) {
			for (const [key, member] of value) {
				packer.put(key);
				packer.put(member);
				yield;
			}
		} else {
			packer.put(value);
			yield;
		}
	}
}

/** Reads the values that `putSnapshot` wrote, and none after them. Throws `bad-packed`. */
export function readSnapshot(values: Iterator<unknown>): State {
	const next = (): unknown => {
		const { done, value } = values.next();
		if (done === true) throw badSnapshot('it is not whole');
		return value;
	};
	const count = (): number => {
		const value = next();
		if (typeof value !== 'number') throw badSnapshot('a number is missing');
		return value;
	};
	const fields = new Map<string, unknown>();
	for (let left = count(); left > 0; left--) {
		const field = String(next());
		const size = next();
		if (size === null) {
			fields.set(field, next());
			continue;
		}
		const map = new SortedMap<string | number, unknown>();
		for (let members = Number(size); members > 0; members--) map.set(next() as string | number, next());
		fields.set(field, map);
	}
	return Object.fromEntries(fields) as unknown as State;
}

function badSnapshot(why: string): PosterError {
	return new PosterError('bad-packed', `malformed snapshot of the core: ${why}`);
}
