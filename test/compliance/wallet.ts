/** What every Wallet does, over whichever implementation `open` gives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WalletOptions } from '../../src/adapters/chain/post-policy.ts';
import { parseAddress } from '../../src/codec/address.ts';
import { signingBytes } from '../../src/codec/message.ts';
import { decodeMinerCall } from '../../src/codec/miner-params.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import { isPosterError } from '../../src/domain/errors.ts';
import { actorId, attoFil, deadlineIndex, epoch, hex32, partitionIndex } from '../../src/domain/ids.ts';
import type { Gas, MinerCall } from '../../src/domain/message.ts';
import type { Wallet } from '../../src/ports/wallet.ts';
import { verifySignature } from '../support/verify-signature.ts';

export interface WalletSubject {
	/** Key address whose key the implementation holds. */
	readonly address: string;
	readonly open: (options: WalletOptions) => Promise<Wallet>;
}

const miner = actorId(1001);
const declarations = [{ deadline: deadlineIndex(2), partition: partitionIndex(0), sectors: Bitfield.of([4, 5]) }];
const calls: readonly MinerCall[] = [
	{
		kind: 'submit-post',
		params: {
			deadline: deadlineIndex(1),
			partition: partitionIndex(3),
			skipped: Bitfield.of([7]),
			proofType: 10,
			proof: new Uint8Array(192).fill(3),
			commitEpoch: epoch(194),
			commitRandomness: hex32('ab'.repeat(32)),
		},
	},
	{ kind: 'declare-faults', declarations },
	{ kind: 'declare-recovered', declarations },
];
const gas: Gas = { limit: 24_635_541, feeCap: attoFil(101_071n), premium: attoFil(100_017n) };
const fee = attoFil(BigInt(gas.limit) * gas.feeCap);
const refused = (code: string) => (error: unknown) => isPosterError(error, code);

export function walletCompliance(name: string, { address, open }: WalletSubject): void {
	const openFor = (sender: string, maxFee = fee): Promise<Wallet> =>
		open({ miners: new Map([[miner, { sender }]]), maxFee });

	test(`${name}: signs exactly the call that was asked for, and the signature verifies`, async () => {
		const wallet = await openFor(address);
		assert.equal(wallet.sender(miner), address);
		for (const call of calls) {
			const { message, signatureType, signature } = await wallet.signPost(miner, call, 42, gas);
			const { method, params, ...rest } = message;
			assert.deepEqual(decodeMinerCall(method, params), call);
			assert.deepEqual(rest, {
				version: 0,
				to: 'f01001',
				from: address,
				nonce: 42,
				value: 0n,
				gasLimit: gas.limit,
				gasFeeCap: gas.feeCap,
				gasPremium: gas.premium,
			});
			const { payload, protocol } = parseAddress(address);
			assert.equal(signatureType, protocol === 3 ? 2 : 1);
			const verdict = await verifySignature(signatureType, payload, signingBytes(message), signature);
			assert.deepEqual(verdict, { ok: true }, call.kind);
		}
	});

	test(`${name}: the same call is signed to the same bytes, so that a restart makes no second message`, async () => {
		const [call] = calls as [MinerCall];
		const first = await (await openFor(address)).signPost(miner, call, 1, gas);
		const second = await (await openFor(address)).signPost(miner, call, 1, gas);
		assert.deepEqual(first, second);
	});

	test(`${name}: a sender written with the prefix of test networks is the same sender`, async () => {
		const wallet = await openFor(`t${address.slice(1)}`);
		const [call] = calls as [MinerCall];
		assert.equal(wallet.sender(miner), address);
		assert.equal((await wallet.signPost(miner, call, 0, gas)).message.from, address);
	});

	test(`${name}: a miner that is not configured is refused`, async () => {
		const wallet = await openFor(address);
		const [call] = calls as [MinerCall];
		assert.throws(() => wallet.sender(actorId(1002)), refused('wallet-not-allowed'));
		await assert.rejects(wallet.signPost(actorId(1002), call, 0, gas), refused('wallet-not-allowed'));
	});

	test(`${name}: nothing above the fee cap is signed, everything up to it is`, async () => {
		const [call] = calls as [MinerCall];
		await (await openFor(address, fee)).signPost(miner, call, 0, gas);
		const capped = await openFor(address, attoFil(fee - 1n));
		await assert.rejects(capped.signPost(miner, call, 0, gas), refused('wallet-fee-cap'));
		const odd = { ...gas, premium: attoFil(gas.feeCap + 1n) };
		await assert.rejects((await openFor(address)).signPost(miner, call, 0, odd), refused('wallet-fee-cap'));
	});

	test(`${name}: a sender without a key is refused at the latest when it should sign`, async () => {
		const stranger = 'f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy';
		const [call] = calls as [MinerCall];
		await assert.rejects(async () => {
			const wallet = await openFor(stranger);
			await wallet.signPost(miner, call, 0, gas);
		}, refused('wallet-no-key'));
	});

	test(`${name}: a sender by actor id is refused: signatures are checked against key addresses`, async () => {
		await assert.rejects(async () => await openFor('f0103'), refused('wallet-not-allowed'));
	});
}
