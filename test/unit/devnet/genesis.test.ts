/** The first state: sectors in their partitions, keys with their accounts, and what is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GenesisMiner, type GenesisSector, makeGenesis } from '../../../src/devnet/genesis.ts';
import { keyFromSeed } from '../../../src/devnet/keys.ts';
import { REAL_POLICY } from '../../../src/devnet/policy.ts';
import { actorId, hex32 } from '../../../src/domain/ids.ts';

const commR = hex32('11'.repeat(32));
const sectors = (count: number, over: Partial<GenesisSector> = {}): GenesisSector[] =>
	Array.from({ length: count }, (_, number) => ({ number, commR, sealProof: 5, ...over }));
const miner = (over: Partial<GenesisMiner> = {}): GenesisMiner => ({
	id: 1001,
	proofType: 10,
	sectors: sectors(6),
	...over,
});
const make = (miners: readonly GenesisMiner[], startEpoch = 0) =>
	makeGenesis({ seed: 'seed', policy: REAL_POLICY, startEpoch }, miners);
const layout = (miners: readonly GenesisMiner[]): number[][][] =>
	make(miners)
		.world.miners.get(actorId(1001))
		?.deadlines.map(({ partitions }) => partitions.map((partition) => [...partition.sectors]))
		.filter((partitions) => partitions.length > 0) ?? [];

test('sectors fill deadlines from the first, one partition each', () => {
	assert.deepEqual(layout([miner()]), [[[0, 1]], [[2, 3]], [[4, 5]]]);
});

test('sectors that name a deadline fill its partitions one after another', () => {
	assert.deepEqual(layout([miner({ sectors: sectors(5, { deadline: 7 }) })]), [[[0, 1], [2, 3], [4]]]);
	assert.deepEqual(layout([miner({ partitionSectors: 4, sectors: sectors(5, { deadline: 7 }) })]), [
		[[0, 1, 2, 3], [4]],
	]);
});

test('the period offset and the start epoch decide which deadline is current', () => {
	const at = (periodOffset: number, startEpoch: number): [number, number] => {
		const state = make([miner({ periodOffset })], startEpoch).world.miners.get(actorId(1001));
		return [state?.periodStart ?? Number.NaN, state?.currentDeadline ?? Number.NaN];
	};
	assert.deepEqual(at(154, 0), [-2726, 45]);
	assert.deepEqual(at(154, 153), [-2726, 47]);
	assert.deepEqual(at(154, 154), [154, 0]);
	assert.deepEqual(at(154, 5000), [3034, 32]);
});

test('keys follow from the seed, and each is usable whichever way its type reads it', () => {
	for (const type of ['secp256k1', 'bls'] as const) {
		const key = keyFromSeed('seed', 'name', type);
		assert.equal(key.address, keyFromSeed('seed', 'name', type).address);
		assert.notEqual(key.address, keyFromSeed('seed', 'other', type).address);
		assert.match(key.address, type === 'bls' ? /^f3/ : /^f1/);
	}
});

test('miners with the same key share its account', () => {
	const workerKey = { type: 'secp256k1', privateKey: new Uint8Array(32).fill(5) } as const;
	const { world, keys } = make([miner({ workerKey }), miner({ id: 1002, workerKey })]);
	assert.equal(keys.length, 2, 'the faucet and the worker');
	assert.equal(world.miners.get(actorId(1001))?.worker, world.miners.get(actorId(1002))?.worker);
});

for (const [rule, miners] of [
	['an id below the first miner', [miner({ id: 999 })]],
	['a miner given twice', [miner(), miner()]],
	['a winning proof type', [miner({ proofType: 0 })]],
	['a sector given twice', [miner({ sectors: [...sectors(1), ...sectors(1)] })]],
	[
		'a sector with two commitments',
		[
			miner({
				sectors: sectors(1, { sealedCid: 'bagboea4b5abcb3bwbgrfemhksskx6l3jsaqjxehfn2rfbegegqoyprpiqk7ekjb7' }),
			}),
		],
	],
	['a sector without commitment', [miner({ sectors: [{ number: 0, sealProof: 5 }] })]],
	['a deadline that does not exist', [miner({ sectors: sectors(1, { deadline: 48 }) })]],
	['a period offset beyond the period', [miner({ periodOffset: 2880 })]],
	['partitions without sectors', [miner({ partitionSectors: 0 })]],
	['bytes that are no key', [miner({ workerKey: { type: 'secp256k1', privateKey: new Uint8Array(32) } })]],
] as const) {
	test(`refused: ${rule}`, () => {
		assert.throws(() => make(miners), { code: 'devnet-genesis' });
	});
}
