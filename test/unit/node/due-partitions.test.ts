import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import type { PartitionState, SectorOnChain, TipSet, TipSetKey } from '../../../src/domain/chain.ts';
import { actorId, cidText, deadlineIndex, type Hex32, hex32, sectorNumber } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { DuePartitions } from '../../../src/node/chain/due-partitions.ts';
import { type EffectParts, Effects } from '../../../src/node/effects.ts';
import { ManifestBook } from '../../../src/node/manifest-book.ts';
import type { Chain } from '../../../src/ports/chain.ts';
import { MemoryStore } from '../../fakes/memory-store.ts';

const OPEN = 100;
const BEFORE = 'before';
const HEAD = 'head';
const keyOf = (name: string): TipSetKey => [cidText(name)];

/** Sectors 1 to 3 in the first of two partitions, 11 to 13 in the second. */
function partition(base: number, faulty: readonly number[] = [], recovering: readonly number[] = []): PartitionState {
	const all = Bitfield.of([1, 2, 3].map((number) => base + number));
	const broken = Bitfield.of(faulty);
	return { all, live: all, faulty: broken, recovering: Bitfield.of(recovering), active: all.subtract(broken) };
}

/** A full node whose partitions are told by tipset; `lookups` are the heights that were asked for. */
function setup(states: Record<string, readonly PartitionState[]>, sectorsAsked: () => void = () => undefined) {
	const lookups: number[] = [];
	const chain: Partial<Chain> = {
		partitions: async (_miner, _deadline, at) => states[at.join()] ?? [],
		sectors: async (_miner, numbers) => {
			sectorsAsked();
			return [...numbers].map(
				(number) => ({ number: sectorNumber(number), commR: hex32('ab'.repeat(32)), updated: false }) as SectorOnChain,
			);
		},
		tipSetByHeight: async (height, at) => {
			assert.deepEqual(at, keyOf(HEAD));
			lookups.push(height);
			return { key: keyOf(BEFORE) } as TipSet;
		},
	};
	const held: Hex32[] = [];
	const newProcess = (book = new ManifestBook(new MemoryStore())): DuePartitions =>
		new DuePartitions(chain as Chain, book, (root) => held.push(root));
	const read = (partitions: DuePartitions, posted: readonly number[], turn = OPEN) =>
		partitions.read({
			miner: actorId(1001),
			deadline: deadlineIndex(0),
			turn,
			posted: Bitfield.of(posted),
			at: keyOf(HEAD),
		});
	return { states, lookups, held, newProcess, read };
}

test('a partition that was posted before the process started has the sectors of before its deadline opened', async () => {
	const { states, lookups, newProcess, read } = setup({ [HEAD]: [partition(0), partition(10)] });
	const first = newProcess();
	const due = await read(first, []);
	assert.deepEqual(lookups, [], 'the head tells what is not posted');

	// 2 was skipped and is faulty now, 3 recovered; the other partition waits for its message.
	states[BEFORE] = [partition(0, [3], [3]), partition(10)];
	states[HEAD] = [partition(0, [2]), partition(10)];
	assert.deepEqual(await read(first, [0]), due, 'as it was known');
	const second = newProcess();
	assert.deepEqual(await read(second, [0]), due, 'as another process reads it');
	assert.deepEqual(await read(second, [0]), due);
	assert.deepEqual(lookups, [OPEN - 1], 'looked up once');
});

test('what is not posted is read at the head, whatever else is', async () => {
	const { newProcess, read } = setup({
		[BEFORE]: [partition(0), partition(10)],
		[HEAD]: [partition(0, [2]), partition(10, [11, 12, 13])],
	});
	const due = await read(newProcess(), [0]);
	assert.deepEqual(
		due.map(({ partition: index, sectorCount }) => [index, sectorCount]),
		[[0, 3]],
		'nothing is left to prove in the other',
	);
	const unposted = await read(newProcess(), []);
	assert.deepEqual(
		unposted.map(({ partition: index, sectorCount }) => [index, sectorCount]),
		[[0, 2]],
	);
});

test('a manifest that the core forgot is put and told again with the next head that finds it due', async () => {
	const { held, newProcess, read } = setup({ [HEAD]: [partition(0), partition(10)] });
	const book = new ManifestBook(new MemoryStore());
	const partitions = newProcess(book);
	const due = await read(partitions, []);
	const [first, second] = due.map(({ sectorRoot }) => sectorRoot) as [Hex32, Hex32];
	new Effects({ book, partitions } as unknown as EffectParts).run({ type: 'forget-manifest', root: second });
	assert.deepEqual(await read(partitions, []), due);
	assert.deepEqual(held, [first, second, second]);
	assert.ok(await book.bytes(second), 'it is on the disk');
});

test('a dry run has all partitions of its deadline, though views are read meanwhile', async () => {
	const count = limits.chainPartitionsPerCall + 1;
	let calls = 0;
	const states = { [HEAD]: Array.from({ length: count }, (_, index) => partition(10 * index)) };
	const { newProcess, read } = setup(states, () => {
		// As each view of the miner does at its end.
		if (++calls === 2) partitions.forget(actorId(1001), OPEN);
	});
	const partitions = newProcess();
	const due = await read(partitions, [], -1);
	assert.equal(calls, 2);
	assert.deepEqual(
		due.map(({ partition: index }) => index),
		states[HEAD]?.map((_, index) => index),
	);
});
