/**
 * 1,000 proofs that are none, against the real verifier: each is refused, by its own word, and the process that judged the
 * first one judges the last one too. Taken from two real proofs of one statement, so that most look right for long.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { NativeProverSlot } from '../../src/adapters/native/prover.ts';
import { makeSample } from '../../src/adapters/native/sample.ts';
import { encodeSectorList } from '../../src/adapters/native/sector-list.ts';
import { NativeVerifier } from '../../src/adapters/native/verifier.ts';
import { hex32, sectorNumber } from '../../src/domain/ids.ts';
import type { PostStatement } from '../../src/ports/verifier.ts';
import { ensureNative, ensureParams, nativeChild } from '../support/native-fixtures.ts';
import { systemClock } from '../support/system-clock.ts';

const FORGERIES = 1_000;
/** Compressed points of a Groth16 proof: A, B (over the extension) and C. */
const B_AT = 48;
const C_AT = 144;
const PROOF_BYTES = 192;
const SIGN = 0x20;
const INFINITY = 0xc0;
const never = new AbortController().signal;
const ignore = (): void => undefined;

interface Forgery {
	readonly what: string;
	readonly statement: PostStatement;
	readonly proof: Uint8Array;
}

/** The same bytes in every run. */
const noise = (seed: number, bytes: number): Buffer =>
	Buffer.concat(
		Array.from({ length: Math.ceil(bytes / 32) }, (_, i) => createHash('sha256').update(`${seed}/${i}`).digest()),
	).subarray(0, bytes);

function flipped(proof: Buffer, at: number, mask: number): Buffer {
	proof[at] = (proof[at] ?? 0) ^ mask;
	return proof;
}

function spliced(proof: Buffer, at: number, bytes: Uint8Array): Buffer {
	proof.set(bytes, at);
	return proof;
}

function* forgeries(statement: PostStatement, one: Buffer, two: Buffer): Generator<Forgery> {
	const forged = (what: string, change: (proof: Buffer) => Uint8Array): Forgery => ({
		what,
		statement,
		proof: change(Buffer.from(one)),
	});
	for (const at of [0, B_AT, C_AT]) {
		yield forged(`the point at ${at} negated`, (proof) => flipped(proof, at, SIGN));
		yield forged(`infinity at ${at}`, (proof) => proof.fill(0, at, at + 48).fill(INFINITY, at, at + 1));
		yield forged(`zeros at ${at}`, (proof) => proof.fill(0, at, at + 48));
		yield forged(`beyond the field at ${at}`, (proof) => proof.fill(0xff, at + 1, at + 48).fill(0x9f, at, at + 1));
		yield forged(`of another proof at ${at}`, (proof) =>
			spliced(proof, at, two.subarray(at, at === B_AT ? C_AT : at + 48)),
		);
	}
	yield forged('A and C exchanged', (proof) =>
		spliced(spliced(proof, 0, one.subarray(C_AT)), C_AT, one.subarray(0, B_AT)),
	);
	for (const byte of [0, INFINITY, 0xff]) yield forged(`all ${byte}`, (proof) => proof.fill(byte));
	for (const length of [0, 1, 47, 191, 193, 384, 4_096]) {
		yield forged(`${length} bytes`, (proof) => Buffer.concat([proof, noise(length, 4_096)]).subarray(0, length));
	}
	const [sector] = statement.sectors;
	assert.ok(sector !== undefined);
	for (let i = 0; i < 100; i++) {
		const randomness = Buffer.from(noise(i, 32));
		randomness[31] = (randomness[31] ?? 0) & 0x3f;
		yield {
			what: 'other randomness',
			statement: { ...statement, randomness: hex32(randomness.toString('hex')) },
			proof: one,
		};
		const other = { ...sector, number: sectorNumber(sector.number + 1 + i) };
		yield { what: 'another sector', statement: { ...statement, sectors: [other] }, proof: one };
	}
	for (let i = 0; i < 200; i++) yield forged(`noise ${i}`, () => noise(i, PROOF_BYTES));
	for (let i = 0; ; i++) {
		const bit = noise(i, 4).readUInt32LE() % (PROOF_BYTES * 8);
		yield forged(`bit ${bit}`, (proof) => flipped(proof, bit >> 3, 1 << (bit & 7)));
	}
}

test(`${FORGERIES} forged or malformed proofs are refused, none ends the verifier`, { timeout: 300_000 }, async (t) => {
	const native = await ensureNative();
	const params = await ensureParams();
	const folder = await mkdtemp(join(tmpdir(), 'poster-forged-'));
	t.after(() => rm(folder, { recursive: true, force: true }));
	const slot = new NativeProverSlot(
		'forged',
		await nativeChild('prove', '--params', params, '--test-params'),
		systemClock,
	);
	t.after(() => slot.close());
	const child = await nativeChild('verify', '--params', params, '--test-params');
	const verifier = new NativeVerifier(child);
	t.after(() => verifier.close());
	const job = await makeSample([native], folder, 10, never);
	const { statement } = job;
	const [one, two] = [await slot.prove(job, ignore, never), await slot.prove(job, ignore, never)];
	for (const { proof } of [one, two]) assert.deepEqual(await verifier.verifyPost(statement, proof), { ok: true });
	const { pid } = child;

	let refused = 0;
	for (const forgery of forgeries(statement, Buffer.from(one.proof), Buffer.from(two.proof))) {
		const { what, proof } = forgery;
		const { proofType, miner, randomness, sectors } = forgery.statement;
		// Past the port, which refuses wrong lengths itself.
		const header = { type: 'verify-post', proofType, minerId: miner, randomness, proofLen: proof.length };
		const { header: answer } = await child.request(header, encodeSectorList(sectors, proof));
		assert.deepEqual([answer['type'], answer['ok']], ['verified', false], what);
		if (++refused === FORGERIES) break;
	}
	assert.equal(child.pid, pid, 'one process judged all of them');
	assert.deepEqual(await verifier.verifyPost(statement, one.proof), { ok: true });
});
