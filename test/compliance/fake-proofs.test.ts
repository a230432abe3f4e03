/** The fakes keep the rules that the real worker keeps (test/integration/native.test.ts). */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { actorId, hex32, sectorNumber } from '../../src/domain/ids.ts';
import type { OpenRequest } from '../../src/domain/vanilla.ts';
import { fakeCommR, fakeProof } from '../fakes/fake-proofs.ts';
import { FakeProverSlot, FakeVerifier, fakeSignature } from '../fakes/fake-prover.ts';
import { FakeChecker, FakeVanillaSource } from '../fakes/fake-vanilla.ts';
import { proverCompliance } from './prover.ts';
import { vanillaCompliance } from './vanilla.ts';
import { verifierCompliance } from './verifier.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-fakes-'));
after(() => rm(root, { recursive: true, force: true }));
let paths = 0;
const spoolPath = (): string => join(root, `spool-${paths++}`);

const miner = actorId(1000);
const request: OpenRequest = {
	proofType: 10,
	miner,
	randomness: hex32(`${'5b'.repeat(31)}1b`),
	sectors: [4, 5].map((number) => ({ number: sectorNumber(number), commR: fakeCommR(miner, number) })),
};
const never = new AbortController().signal;

vanillaCompliance('fake', async () => ({
	source: new FakeVanillaSource(miner, request.sectors),
	checker: new FakeChecker(),
	request,
	path: spoolPath(),
}));

proverCompliance('fake', async () => {
	const session = await new FakeChecker().begin(request, spoolPath());
	for await (const opened of new FakeVanillaSource(miner, request.sectors).open(request, never)) {
		if ('proof' in opened) await session.check(opened.sector, opened.proof);
	}
	await session.finish();
	return {
		slot: new FakeProverSlot('fake'),
		verifier: new FakeVerifier(),
		job: { statement: request, spool: session.spool },
	};
});

verifierCompliance('fake', async () => {
	const message = new TextEncoder().encode('a message');
	const signed = (kind: 1 | 2, bytes: number) => {
		const address = new Uint8Array(bytes).fill(3);
		return { kind, address, message, signature: fakeSignature(kind, address, message) };
	};
	return {
		verifier: new FakeVerifier(),
		statement: request,
		proof: fakeProof(request),
		signatures: [signed(1, 20), signed(2, 48)],
	};
});
