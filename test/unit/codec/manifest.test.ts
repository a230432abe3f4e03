import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { encodeCbor } from '../../../src/codec/cbor.ts';
import { decodeManifest, encodeManifest, manifestRoot } from '../../../src/codec/manifest.ts';
import { hex32, sectorNumber } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { plain } from './mesh-arbitraries.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const sector = plain({
	number: fc.maxSafeNat().map(sectorNumber),
	commR: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((raw) => hex32(Buffer.from(raw).toString('hex'))),
	updated: fc.boolean(),
});
const manifest = fc
	.uniqueArray(sector, { selector: ({ number }) => number, maxLength: 40 })
	.map((list) => [...list].sort((a, b) => a.number - b.number));

test('a manifest comes back from its bytes, and its root changes with every field', () => {
	fc.assert(
		fc.property(
			manifest.filter((list) => list.length > 0),
			(list) => {
				const bytes = encodeManifest(list);
				assert.deepEqual(decodeManifest(bytes), list);
				const [first, ...rest] = list;
				assert.ok(first);
				const other = encodeManifest([{ ...first, updated: !first.updated }, ...rest]);
				assert.notEqual(manifestRoot(other), manifestRoot(bytes));
			},
		),
	);
});

test('sectors out of order or twice are refused', () => {
	const entry = [7, new Uint8Array(32), false];
	assert.throws(() => decodeManifest(encodeCbor([entry, entry])), /ascending/);
	assert.throws(() => decodeManifest(encodeCbor([entry, [6, new Uint8Array(32), true]])), /ascending/);
});

test('the largest partition fits the bound with the largest sector numbers', () => {
	const list = Array.from({ length: limits.manifestSectors }, (_, i) => ({
		number: sectorNumber(Number.MAX_SAFE_INTEGER - limits.manifestSectors + i),
		commR: hex32('ff'.repeat(32)),
		updated: true,
	}));
	const bytes = encodeManifest(list);
	assert.ok(bytes.length <= limits.manifestBytes, `${bytes.length} bytes`);
	assert.equal(decodeManifest(bytes).length, limits.manifestSectors);
	assert.throws(() =>
		decodeManifest(encodeManifest([...list, { ...list[0], number: sectorNumber(Number.MAX_SAFE_INTEGER) } as never])),
	);
});

test('a decoded manifest takes no more memory than its limit says, twice over', () => {
	const sectors = 2_349;
	const bytes = encodeManifest(
		Array.from({ length: sectors }, (_, i) => ({
			number: sectorNumber(i),
			commR: hex32(createHash('sha256').update(`${i}`).digest('hex')),
			updated: false,
		})),
	);
	const heapUsed = (): number => {
		collectGarbage();
		return process.memoryUsage().heapUsed;
	};
	const before = heapUsed();
	const kept = Array.from({ length: limits.manifestsDecoded }, () => decodeManifest(bytes));
	const each = (heapUsed() - before) / kept.length;
	assert.ok(each < 700_000, `${Math.round(each)} bytes of heap for ${sectors} sectors`);
});
