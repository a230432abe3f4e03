/** From whom a submitter signs: the newest roster decides, and no message takes a nonce of another address. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Event } from '../../../src/core/api.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { actorId, attoFil, hex32 } from '../../../src/domain/ids.ts';
import type { Roster } from '../../../src/domain/roster.ts';
import { Submitter } from '../../../src/node/chain/submitter.ts';
import { openWallets } from '../../../src/node/wallets.ts';
import type { Chain } from '../../../src/ports/chain.ts';
import { FakeVerifier } from '../../fakes/fake-prover.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { fakeManifest, workOf } from '../../support/work-items.ts';
import { lotusKeys } from '../../vectors/lotus-keys.ts';

const folder = await mkdtemp(join(tmpdir(), 'poster-wallets-'));
after(() => rm(folder, { recursive: true }));
const keyFile = join(folder, 'key');
await writeFile(keyFile, lotusKeys.bls.keyFile, { mode: 0o600 });

const work = workOf(fakeManifest(1, 2));
const { miner } = work;
const own = lotusKeys.bls.address;
const foreign = lotusKeys.secp256k1.address;
const maxFee = attoFil(10n ** 18n);
const rosterOf = (sender: string): Roster => ({ miners: [{ miner, sender }], peers: [] }) as unknown as Roster;

async function setup() {
	const config = { maxFeeFil: maxFee, miners: [{ miner, wallet: keyFile }] };
	const wallet = await openWallets(config, rosterOf(own), {} as Chain, new FakeVerifier());
	const events: Event[] = [];
	const submitter = new Submitter(
		{ chain: {} as Chain, wallet, log: memoryLog() },
		{ sender: () => own, maxFee, enqueue: (event) => void events.push(event) },
	);
	const sign = async (sender: string): Promise<Event | undefined> => {
		const { deadline, partition, proofType, challenge: commitEpoch } = work;
		const commitRandomness = hex32('00'.repeat(32));
		const proof = new Uint8Array(192);
		const params = { deadline, partition, skipped: Bitfield.empty, proofType, proof, commitEpoch, commitRandomness };
		const gas = { limit: 1, feeCap: attoFil(1n), premium: attoFil(1n) };
		await submitter.sign({ type: 'sign', work: work.id, miner, sender, params, nonce: 7, gas });
		return events.pop();
	};
	return { wallet, sign };
}

test('the sender of the newest roster signs, the one before no longer', async () => {
	const { wallet, sign } = await setup();
	assert.equal((await sign(own))?.type, 'signed');
	wallet.setRoster(rosterOf(foreign));
	assert.equal(wallet.sender(miner), foreign);
	const refused = { type: 'sign-failed', work: work.id, nonce: 7 };
	assert.deepEqual(await sign(own), { ...refused, code: 'wallet-sender-changed' });
	// The new one's key is not here.
	assert.deepEqual(await sign(foreign), { ...refused, code: 'wallet-no-key' });
	wallet.setRoster(rosterOf(own));
	assert.equal((await sign(own))?.type, 'signed');
});

test('a miner that left the roster is not signed for', async () => {
	const { wallet, sign } = await setup();
	wallet.setRoster({ miners: [{ miner: actorId(9), sender: own }], peers: [] } as unknown as Roster);
	assert.equal(((await sign(own)) as { code?: string }).code, 'wallet-not-allowed');
});
