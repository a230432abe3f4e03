/** What is read of the chain before a message is signed and after it landed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event, EventOf } from '../../../src/core/api.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import type { TipSetKey } from '../../../src/domain/chain.ts';
import { PosterError } from '../../../src/domain/errors.ts';
import { attoFil, cidText, epoch, hex32 } from '../../../src/domain/ids.ts';
import { Submitter } from '../../../src/node/chain/submitter.ts';
import type { Chain } from '../../../src/ports/chain.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { fakeManifest, workOf } from '../../support/work-items.ts';

const work = workOf(fakeManifest(1, 2));
const key = (name: string): TipSetKey => [cidText(name)] as unknown as TipSetKey;
const [PARENT, HEAD, INCLUDED] = [key('parent'), key('head'), key('included')];

/** A chain in which the partition is in PostSubmissions of these tipsets only. */
async function look(postedAt: readonly TipSetKey[], ask: (submitter: Submitter) => Promise<void>): Promise<Event> {
	const chain: Partial<Chain> = {
		head: () => Promise.resolve({ key: HEAD, parents: PARENT, height: epoch(work.close + 3) } as never),
		deadlines: (_miner, at) => {
			const postSubmissions = postedAt.includes(at) ? Bitfield.of([work.partition]) : Bitfield.empty;
			return Promise.resolve(Array.from({ length: 48 }, () => ({ postSubmissions }) as never));
		},
		searchMessage: () =>
			Promise.resolve({ message: cidText('m'), height: epoch(work.open + 5), exitCode: 0, tipSet: INCLUDED } as never),
		postRandomness: () => Promise.resolve(work.randomness),
		commitRandomness: () => Promise.resolve(hex32('00'.repeat(32))),
		estimateGas: (message) => Promise.resolve(message),
	};
	const events: Event[] = [];
	const submitter = new Submitter(
		{ chain: chain as Chain, wallet: undefined, log: memoryLog() },
		{ sender: () => 'f1sender', maxFee: attoFil(1n), enqueue: (event) => void events.push(event) },
	);
	await ask(submitter);
	assert.equal(events.length, 1);
	return events[0] as Event;
}

test('whether a message posted its partition is read right after it, since the chain empties the set at close', async () => {
	const search = (submitter: Submitter) => submitter.search({ type: 'search', cid: cidText('m'), work });
	const after = (await look([INCLUDED], search)) as EventOf<'searched'>;
	assert.equal(after.posted, true);
	const elsewhere = (await look([HEAD], search)) as EventOf<'searched'>;
	assert.equal(elsewhere.posted, false);
});

test('before signing the partition is looked for at the head and at the one before it', async () => {
	const effect = { type: 'prepare', work, proof: new Uint8Array(192), skipped: Bitfield.empty } as const;
	for (const [at, posted] of [
		[[HEAD], true],
		[[PARENT], true],
		[[INCLUDED], false],
	] as const) {
		const prepared = (await look(at, (submitter) => submitter.prepare(effect))) as EventOf<'prepared'>;
		assert.equal(prepared.posted, posted);
	}
});

test('a message that could not be prepared is logged with its reason', async () => {
	const log = memoryLog();
	const failure = new PosterError('chain-timeout', 'GasEstimateMessageGas did not answer');
	const chain: Partial<Chain> = { head: () => Promise.reject(failure) };
	const events: Event[] = [];
	const submitter = new Submitter(
		{ chain: chain as Chain, wallet: undefined, log },
		{ sender: () => 'f1sender', maxFee: attoFil(1n), enqueue: (event) => void events.push(event) },
	);
	await submitter.prepare({ type: 'prepare', work, proof: new Uint8Array(192), skipped: Bitfield.empty });
	const [event] = events;
	assert.ok(event?.type === 'prepare-failed');
	assert.equal(event.refused, false);
	const [entry] = log.entries;
	assert.equal(entry?.level, 'warn');
	assert.equal((entry.facts as { code?: string }).code, 'chain-timeout');
});
