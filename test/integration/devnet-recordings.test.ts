/**
 * The embedded chain answers as the recorded Lotus node did: the same miner with the same sectors goes through the same
 * story, epoch by epoch, over real HTTP.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { readBytes, writeBytes } from '../../src/codec/json-read.ts';
import { decodeSubmitWindowedPoSt, encodeSubmitWindowedPoSt } from '../../src/codec/miner-params.ts';
import { digestOf, draw, drawTag, postChallenge } from '../../src/devnet/chain/randomness.ts';
import { type Devnet, startDevnet } from '../../src/devnet/devnet.ts';
import { actorId, type Hex32, hex32, sectorNumber } from '../../src/domain/ids.ts';
import { TagVerifier, tagProof } from '../fakes/tag-verifier.ts';
import { flipped } from '../support/devnet-bench.ts';
import { Replay, type ReplayOptions, recordedResult } from '../support/lotus-replay.ts';
import { memoryLog } from '../support/memory-log.ts';
import { systemClock } from '../support/system-clock.ts';
import { recording } from '../vectors/lotus-rpc.ts';

interface RecordedSector {
	readonly SectorNumber: number;
	readonly SealProof: number;
	readonly SealedCID: { readonly '/': string };
}

const MINER = actorId(1001);
const HEAD_12 = 'bafy2bzacebvc3rdem6dl6mjudhte777iuq44qv5rzk7h6iq2ffjnciuacnpic';
const HEAD_16 = 'bafy2bzaceadgrji4exu4ai2bdvgbbvmuozm2fafagda4yrieh2vjwsrkv7wdu';
const WORKER = 'f3swlfhxrwfb2tfbeee24ydnwblacvlfyqshu7cartvhkomsubvdlx5uppota26k5vunebmy43pf4nqlb6yodq';
const STRANGER = 'f3vpqiwsip6bab3wf26po4mwcmfjykamcf7hxopmmgm6dkcffi3uzllvkiksme4nkyhhmvfwqfriidaijwhy3a';
/** Named by the refusal of 182. */
const INVALIDLY_SIGNED = 'bafy2bzacebpalqun4w5k46a752iis25fvhqyyblgnvuzkd7cyc2t4mlslkwd2';
/** Holder of the replacement case, on another recorded chain. */
const WORKER_R3 = 'f3td4qxa22qrdud7c6yczfsghkynoklit3eseou5e3b3wk5tfdq64galeb2jatzv6yjde765svl43ggmtmmtja';

const sectors = recordedResult<RecordedSector[]>('016').map(({ SectorNumber, SealProof, SealedCID }) => ({
	number: SectorNumber,
	sealProof: SealProof,
	sealedCid: SealedCID['/'],
}));
const bls = { type: 'bls' } as const;
/** The account ids come out as recorded: f0101 a stranger to our miner, f0103 its worker. */
const miners = [
	{ id: 1000, proofType: 10, sectors, workerKey: bls, controlKeys: [bls] },
	{ id: MINER, proofType: 10, sectors, workerKey: bls, periodOffset: 154 },
];

describe('the story of the recordings', () => {
	let devnet: Devnet;
	let replay: Replay;

	const start = async (): Promise<void> => {
		const ports = { verifier: new TagVerifier(), clock: systemClock, log: memoryLog() };
		devnet = await startDevnet({ miners, networkName: 'testing', running: false, epochMs: 30_000 }, ports);
		replay = new Replay(devnet);
		replay.name(WORKER, worker());
		replay.name(WORKER_R3, worker());
		replay.name(STRANGER, devnet.workers.get(actorId(1000))?.address ?? '');
		replay.name('<jwt>', devnet.tokens.read);
	};
	before(start);
	after(() => devnet.close());

	const mineTo = async (height: number): Promise<void> => {
		while (devnet.node.chain.head.height < height) await devnet.node.mine();
	};
	const compareAll = async (...numbers: readonly string[]): Promise<void> => {
		for (const number of numbers) await replay.compare(number);
	};
	const range = (from: number, to: number, ...without: readonly number[]): string[] =>
		Array.from({ length: to - from + 1 }, (_, i) => from + i)
			.filter((number) => !without.includes(number))
			.map((number) => String(number).padStart(3, '0'));

	test('state, randomness and errors at epoch 12', async () => {
		await mineTo(12);
		replay.nameHead(HEAD_12);
		// 027 and 049 are about the block producer, 041 to 043 are a method that the embedded chain does not have; 006 and
		// 064 show Lotus's genesis block, which has no signatures.
		await compareAll(...range(0, 83, 6, 27, 41, 42, 43, 49, 64));
	});

	test('null rounds, permissions, malformed requests', async () => {
		await devnet.node.mine(3);
		replay.nameHead(HEAD_16);
		// 118 and 139 are about /rpc/v2, 120 and 121 about health.
		await compareAll(...range(84, 138, 118, 120, 121));
	});

	test('faults: estimation, refusals, push, wait, search', async () => {
		await mineTo(26);
		await compareAll('146', '147', '149', '150', '151', '152', '153', '154', '155', '156', '157', '158');
		await replay.compare('148', { textUpTo: 'Serialization error for Cbor protocol: Msg(' });
		await replay.compare('159', { textUpTo: 'sender does not have funds to transfer (balance ' });
		await mineTo(27);
		await replay.comparePush('160');
		await compareAll('161', '162', '163', '164', '165');
		await mineTo(29);
		// The call waits for one more epoch of confidence.
		const waited = replay.compare('166');
		await mineTo(30);
		await waited;
		await compareAll('167', '170');
	});

	test('recoveries: signing outside, nonces, replacement', async () => {
		await mineTo(31);
		await compareAll('168', '169', '171', '172', '173', '174', '175', '177', '178');
		const signed = (await replay.compare('179')) as { CID: { '/': string }; Signature: object };
		const params = [signed];
		await replay.compare('180', { params });
		replay.name(recordedResult<{ '/': string }>('180')['/'], signed.CID['/']);
		await replay.compare('181', { params });
		const forged = (await sign({ Nonce: 2 })) as { CID: { '/': string } };
		replay.name(INVALIDLY_SIGNED, forged.CID['/']);
		await replay.compare('182', { params: [{ ...forged, Signature: signed.Signature }] });
		await replay.compare('183', { params: [await sign({ Nonce: 1001 })] });
		await replay.compare('184', {
			params: [await sign({ Nonce: 1, GasPremium: '1' })],
			textUpTo: 'already in mpool, increase GasPremium to 1',
		});
		await mineTo(34);
		await compareAll('185', '187', '188', '189');
		await replay.compare('186', { params: [await sign({ Nonce: 1, GasPremium: '2' })] });
	});

	/** The recorded DeclareFaultsRecovered with other fields, signed here. */
	async function sign(over: { Nonce: number; GasPremium?: string }): Promise<unknown> {
		const [{ Message }] = (recording('180').request as { params: [{ Message: object }] }).params;
		return (await call('WalletSignMessage', [worker(), { ...Message, From: worker(), ...over }])).result;
	}

	test('the first deadline: a short proof is accepted and loses its dispute', async () => {
		await mineTo(153);
		await replay.compare('190');
		await mineTo(154);
		await replay.compare('191');
		await replay.comparePush(
			'201',
			submission('201', (proof) => proof.subarray(1)),
		);
		await replay.compare('209');
		await mineTo(158);
		await compareAll('210', '211');
		await replay.compare('212', submission('212'));
		await mineTo(215);
		const disputed = await disputeDeadline(0);
		assert.equal(disputed, undefined);
		await devnet.node.mine();
		await devnet.node.mine();
		await compareAll('215', '216');
	});

	test('the second deadline: every mistake has its words, the good proof lands once and survives', async () => {
		await mineTo(219);
		for (const number of ['218', '219', '220', '221', '222', '223', '225', '226', '227']) {
			await replay.compare(number, submission(number));
		}
		for (const number of ['224', '228']) await replay.compare(number, submission(number, undefined, '11'.repeat(32)));
		await replay.compare('229', submission('229', flipped));
		await replay.compare('230', submission('230'));
		await replay.compare('231', submission('231'));
		await replay.comparePush('232', submission('232'));
		await replay.compare('233', submission('233'));
		await compareAll('234', '235');
		await mineTo(223);
		await compareAll('236', '237', '238', '239', '241', '242');
		await replay.compare('240', submission('240'));
		await mineTo(275);
		await replay.compare('243');
		assert.equal(await disputeDeadline(1), controlError('244'));
	});

	test('the third deadline recovers: wrong proofs are refused, the good one restores power and is not kept', async () => {
		const refused = 'invalid post was submitted (16)';
		await replay.compare('245', { ...submission('245', flipped), textUpTo: refused });
		await replay.compare('246', submission('246', flipped));
		await replay.compare(
			'247',
			submission('247', (proof) => proof.subarray(1)),
		);
		await replay.compare('248', { ...submission('248', () => new Uint8Array(192)), textUpTo: refused });
		await mineTo(276);
		await replay.comparePush('250', submission('250'));
		await mineTo(279);
		await compareAll('251', '252');
		await mineTo(335);
		assert.equal(await disputeDeadline(2), controlError('253'));
	});

	async function signSubmission(number: string, nonce: number, gasLimit: number): Promise<unknown> {
		const [{ Message }] = (recording(number).request as { params: [{ Message: { Params: string } }] }).params;
		const message = { ...Message, ...ours(Message), From: worker(), Nonce: nonce, GasLimit: gasLimit };
		return (await call('WalletSignMessage', [worker(), message])).result;
	}

	const worker = (): string => devnet.workers.get(MINER)?.address ?? '';

	async function call(
		method: string,
		params: readonly unknown[],
	): Promise<{ result?: unknown; error?: { message: string } }> {
		const response = await fetch(devnet.url, {
			method: 'POST',
			headers: { Authorization: `Bearer ${devnet.tokens.admin}` },
			body: JSON.stringify({ id: 1, jsonrpc: '2.0', method: `Filecoin.${method}`, params }),
		});
		return (await response.json()) as { result?: unknown; error?: { message: string } };
	}

	/** The recorded submission with this chain's proof and commit randomness in place of the recorded ones. */
	function submission(number: string, tamper?: (proof: Uint8Array) => Uint8Array, randomness?: string): ReplayOptions {
		const { params } = recording(number).request as { params: [{ Params: string }, ...unknown[]] };
		return { params: [{ ...params[0], ...ours(params[0], tamper, randomness) }, ...params.slice(1)] };
	}

	function ours(
		{ Params }: { Params: string },
		tamper?: (proof: Uint8Array) => Uint8Array,
		randomness?: string,
	): { Params: string } {
		const recorded = decodeSubmitWindowedPoSt(readBytes(Params, 'params'));
		const { chain } = devnet.node;
		const { commitEpoch } = recorded;
		const commitRandomness =
			randomness === undefined
				? draw(drawTag.postCommit, digestOf(chain.ticket(chain.head, commitEpoch)), commitEpoch, new Uint8Array())
				: hex32(randomness);
		const [proof] = recorded.proofs;
		assert.ok(proof);
		const good = proofOf(recorded.deadline, commitEpoch);
		const bytes = tamper === undefined ? (proof.bytes.length > 192 ? Buffer.concat([good, good]) : good) : tamper(good);
		return {
			Params: writeBytes(
				encodeSubmitWindowedPoSt({ ...recorded, commitEpoch, commitRandomness, proofs: [{ type: proof.type, bytes }] }),
			),
		};
	}

	function proofOf(deadline: number, challenge: number): Uint8Array {
		const miner = devnet.node.chain.head.after.miners.get(MINER);
		assert.ok(miner);
		const numbers = [...(miner.deadlines[deadline]?.partitions[0]?.sectors ?? [0])];
		return tagProof({
			proofType: 10,
			miner: MINER,
			randomness: postChallenge(devnet.node.chain.seed, MINER, challenge),
			sectors: numbers.map((number) => ({
				number: sectorNumber(number),
				commR: miner.sectors.get(sectorNumber(number))?.commR as Hex32,
			})),
		});
	}

	/** Disputes the first proof by MpoolPushMessage of a stranger; the refusal's text, undefined when it got in. */
	async function disputeDeadline(index: number): Promise<string | undefined> {
		const message = {
			Version: 0,
			To: `f0${MINER}`,
			From: devnet.workers.get(actorId(1000))?.address,
			Nonce: 0,
			Value: '0',
			GasLimit: 0,
			GasFeeCap: '0',
			GasPremium: '0',
			Method: 24,
			Params: writeBytes(Uint8Array.of(0x82, index, 0)),
		};
		return (await call('MpoolPushMessage', [message, null])).error?.message;
	}

	test('on another chain: a duplicate lands with exit code 16, too little gas with 7, a replacement by its original', async () => {
		await devnet.close();
		await start();
		await mineTo(156);
		await replay.compare('309', submission('309'));
		for (const [number, nonce, gasLimit] of [
			['310', 0, 24_975_908],
			['311', 1, 24_975_908],
			['312', 2, 3_000_000],
		] as const) {
			await replay.comparePush(number, { params: [await signSubmission(number, nonce, gasLimit)] });
		}
		await mineTo(159);
		await compareAll('313', '314', '315');
		await mineTo(168);
		for (const number of ['316', '317']) {
			await replay.comparePush(number, { params: [await resign(number)] });
		}
		await replay.compare('318');
		await mineTo(171);
		await compareAll('319', '320', '321', '322');
		await replay.compare('323', { params: [await resign('323')] });
		await compareAll('324', '325');
		await mineTo(210);
		await replay.compare('326');
	});

	/** The recorded message with our sender, signed here. */
	async function resign(number: string): Promise<unknown> {
		const [{ Message }] = (recording(number).request as { params: [{ Message: object }] }).params;
		return (await call('WalletSignMessage', [worker(), { ...Message, From: worker() }])).result;
	}

	const controlError = (number: string): string => (recording(number)['control_reply'] as { error: string }).error;
});
