/** What every Verifier does, over whichever implementation `open` gives. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { hex32, sectorNumber } from '../../src/domain/ids.ts';
import type { PostStatement, Verifier } from '../../src/ports/verifier.ts';

export interface VerifierSubject {
	readonly verifier: Verifier;
	/** A statement of at least two sectors, and a proof of it. */
	readonly statement: PostStatement;
	readonly proof: Uint8Array;
	readonly signatures: readonly SignedText[];
}

export interface SignedText {
	readonly kind: 1 | 2;
	readonly address: Uint8Array;
	readonly message: Uint8Array;
	readonly signature: Uint8Array;
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
	const copy = new Uint8Array(bytes);
	copy[at] = (copy[at] ?? 0) ^ 1;
	return copy;
}

export function verifierCompliance(name: string, open: () => Promise<VerifierSubject>): void {
	const rule = (what: string, check: (subject: VerifierSubject) => Promise<void>): void => {
		test(`${name}: ${what}`, async (t: TestContext) => {
			const subject = await open();
			t.after(() => subject.verifier.close());
			await check(subject);
		});
	};

	rule('a proof holds for its statement and for no other', async ({ verifier, statement, proof }) => {
		assert.deepEqual(await verifier.verifyPost(statement, proof), { ok: true });
		const [first, second] = statement.sectors;
		assert.ok(first !== undefined && second !== undefined);
		const others: Record<string, PostStatement> = {
			randomness: { ...statement, randomness: hex32(`00${statement.randomness.slice(2)}`) },
			'a sector less': { ...statement, sectors: statement.sectors.slice(1) },
			'a commitment': { ...statement, sectors: [{ ...first, commR: second.commR }, ...statement.sectors.slice(1)] },
			'a sector number': {
				...statement,
				sectors: [...statement.sectors.slice(0, -1), { ...second, number: sectorNumber(999) }],
			},
		};
		for (const [what, other] of Object.entries(others)) {
			const verdict = await verifier.verifyPost(other, proof);
			assert.equal(verdict.ok, false, `holds with another ${what}`);
			assert.equal(typeof verdict.detail, 'string');
		}
	});

	rule('no changed proof holds', async ({ verifier, statement, proof }) => {
		for (const at of [0, 47, 48, 100, proof.length - 1]) {
			assert.equal((await verifier.verifyPost(statement, flipped(proof, at))).ok, false, `byte ${at}`);
		}
		for (const other of [proof.subarray(1), new Uint8Array(0), Buffer.concat([proof, proof])]) {
			assert.equal((await verifier.verifyPost(statement, other)).ok, false, `${other.length} bytes`);
		}
	});

	rule('a statement that cannot be right has no valid proof', async ({ verifier, statement, proof }) => {
		const [first] = statement.sectors;
		assert.ok(first !== undefined);
		for (const sectors of [[], [...statement.sectors].reverse(), [first, first]]) {
			assert.equal((await verifier.verifyPost({ ...statement, sectors }, proof)).ok, false);
		}
		const unmasked = hex32(`${statement.randomness.slice(0, 62)}ff`);
		assert.equal((await verifier.verifyPost({ ...statement, randomness: unmasked }, proof)).ok, false);
	});

	rule('signatures hold for their message and signer alone', async ({ verifier, signatures }) => {
		for (const { kind, address, message, signature } of signatures) {
			const check = async (...args: [Uint8Array, Uint8Array, Uint8Array]): Promise<boolean> =>
				(await verifier.verifySignature(kind, ...args)).ok;
			assert.equal(await check(address, message, signature), true, `kind ${kind}`);
			assert.equal(await check(address, flipped(message, 0), signature), false);
			assert.equal(await check(flipped(address, 5), message, signature), false);
			assert.equal(await check(address, message, flipped(signature, 10)), false);
			assert.equal(await check(address, message, signature.subarray(1)), false);
			assert.equal(await check(address, new Uint8Array(0), signature), false);
		}
	});

	rule('an aborted verification rejects with the reason', async ({ verifier, statement, proof }) => {
		const reason = new Error('enough');
		await assert.rejects(verifier.verifyPost(statement, proof, AbortSignal.abort(reason)), reason);
	});

	rule('it names its keys', async ({ verifier }) => {
		const keys = await verifier.keys();
		assert.ok(keys.length > 0);
		for (const key of keys) assert.match(key.sha256, /^[0-9a-f]{64}$/);
	});

	rule('a closed verifier is unavailable, it does not say no', async ({ verifier, statement, proof }) => {
		await verifier.close();
		await verifier.close();
		await assert.rejects(verifier.verifyPost(statement, proof), { code: 'verifier-unavailable' });
		await assert.rejects(verifier.keys(), { code: 'verifier-unavailable' });
	});
}
