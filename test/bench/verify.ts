/**
 * `npm run bench:verify -- [--count N]`: what a verification of a 2 KiB window proof takes in a resident worker: the recorded proofs and
 * forgeries of them in turns, N times each, one after another. Prints one JSON object a kind: milliseconds from the question to the answer.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { NativeChild } from '../../src/adapters/native/native-child.ts';
import { NativeVerifier } from '../../src/adapters/native/verifier.ts';
import { actorId, hex32, sectorNumber } from '../../src/domain/ids.ts';
import { PROOF_BYTES } from '../../src/domain/proof.ts';
import type { PostStatement } from '../../src/ports/verifier.ts';
import { memoryLog } from '../support/memory-log.ts';
import { ensureNative } from '../support/native-fixtures.ts';
import { systemClock } from '../support/system-clock.ts';

const { values } = parseArgs({ options: { count: { type: 'string', default: '500' } } });
const count = Number(values.count);
const WARM_UP = 20;
const vectors = resolve(import.meta.dirname, '../vectors/native');

interface RecordedPost {
	readonly valid: boolean;
	readonly minerId: number;
	readonly randomness: string;
	readonly sectors: readonly { readonly number: number; readonly commR: string }[];
	readonly proof: string;
}

const posts = JSON.parse(await readFile(resolve(vectors, 'posts.json'), 'utf8')) as readonly RecordedPost[];
const whole = posts.filter(({ proof }) => proof.length === 2 * PROOF_BYTES);
const statements = whole.map(
	({ minerId, randomness, sectors }): PostStatement => ({
		proofType: 10,
		miner: actorId(minerId),
		randomness: hex32(randomness),
		sectors: sectors.map(({ number, commR }) => ({ number: sectorNumber(number), commR: hex32(commR) })),
	}),
);
// The child removes it.
const scratch = await mkdtemp(join(tmpdir(), 'poster-bench-verify-'));
const command = [await ensureNative(), 'verify', '--params', resolve(vectors, 'params'), '--test-params'] as const;
const child = new NativeChild(
	{ clock: systemClock, log: memoryLog() },
	{ command, env: process.env, scratch, nice: getPriority() },
);
const verifier = new NativeVerifier(child);
const tookMs = { valid: [] as number[], forged: [] as number[] };
for (let turn = -WARM_UP; turn < count; turn++) {
	for (const [index, { valid, proof }] of whole.entries()) {
		const statement = statements[index];
		assert.ok(statement);
		const bytes = Buffer.from(proof, 'hex');
		const start = performance.now();
		const verdict = await verifier.verifyPost(statement, bytes);
		const took = performance.now() - start;
		assert.equal(verdict.ok, valid);
		if (turn >= 0) tookMs[valid ? 'valid' : 'forged'].push(took);
	}
}
await verifier.close();
for (const [kind, times] of Object.entries(tookMs)) {
	times.sort((a, b) => a - b);
	const at = (share: number): number => Number((times[Math.ceil(share * times.length) - 1] ?? Number.NaN).toFixed(2));
	const line = { kind, verifications: times.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
	process.stdout.write(`${JSON.stringify(line)}\n`);
}
