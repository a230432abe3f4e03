/** A parameter file in miniature: a head like a verifying key's, five counted sections, and the entry that describes it. */
import { createHash } from 'node:crypto';
import type { ParameterFile } from '../../src/domain/parameters.ts';

const HEAD_BYTES = 3_076;
const SECTIONS = [96, 96, 96, 96, 192] as const;

export interface MadeFile {
	readonly entry: ParameterFile;
	readonly bytes: Buffer;
}

export function digestOf(bytes: Uint8Array): string {
	return createHash('blake2b512').update(bytes).digest('hex').slice(0, 32);
}

/** `points` in every section; another `seed` is another circuit. */
export function madeParameters(seed: string, points = 2_000): MadeFile {
	const sections = SECTIONS.flatMap((pointBytes, index) => {
		const count = Buffer.alloc(4);
		count.writeUInt32BE(points);
		return [count, noise(`${seed} ${index}`, points * pointBytes)];
	});
	const head = noise(seed, HEAD_BYTES);
	const bytes = Buffer.concat([head, ...sections]);
	const entry: ParameterFile = {
		name: `v28-made-${seed}.params`,
		proofType: 10,
		part: 'parameters',
		cid: `Qm${seed}`,
		digest: digestOf(bytes),
		bytes: bytes.length,
		head: { bytes: HEAD_BYTES, digest: digestOf(head) },
	};
	return { entry, bytes };
}

export function madeKey(seed: string): MadeFile {
	const bytes = noise(seed, HEAD_BYTES);
	const name = `v28-made-${seed}.vk`;
	return {
		entry: { name, proofType: 10, part: 'key', cid: `Qm${seed}`, digest: digestOf(bytes), bytes: bytes.length },
		bytes,
	};
}

/** Bytes that follow from the text alone. */
function noise(text: string, length: number): Buffer {
	const word = createHash('sha512').update(text).digest();
	const bytes = Buffer.alloc(length);
	for (let at = 0; at < length; at += word.length) {
		word.writeUInt32LE(at, 0);
		word.copy(bytes, at);
	}
	return bytes;
}
