/** Which announcements a node keeps, and so serves, is the same everywhere, whatever the order in which they came. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { challengeKey } from '../../../src/codec/work-id.ts';
import { isCancelled } from '../../../src/core/announce.ts';
import { buildDigest } from '../../../src/core/digest.ts';
import { actorId, epoch, hex32, partitionIndex } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { CoreBench, DUE_CHALLENGE as challenge } from '../../support/core.ts';

const itemOf = (partition: number) => ({
	partition: partitionIndex(partition),
	sectorCount: 10,
	sectorRoot: hex32('33'.repeat(32)),
});
/** One word of one author: two items, each of them in its neighbours too. */
interface Word {
	readonly author: string;
	readonly about: number;
	readonly sequence: number;
}

/** What a member without a chain makes of the words in this order. */
function heard(words: readonly Word[]): CoreBench {
	const chains = Object.fromEntries([...'bcdefg'].map((name) => [name, ['chain'] as const]));
	const bench = new CoreBench({ a: ['prover'], ...chains });
	for (const { author, about, sequence } of words) {
		bench.hearAs(
			author,
			{ kind: 'ann', body: { challenge, items: [itemOf(about), itemOf(about + 1)] } },
			165,
			sequence,
		);
	}
	return bench;
}

const known = ({ state }: CoreBench) => ({
	digest: buildDigest(state).challenges,
	items: state.works.values().map(({ item, announcers }) => [item.id, announcers.keys()]),
});

/** Sequences in the order of the words, so that which version is newer does not hang on the order of arrival. */
function wordsOf(authors: string, each: number): readonly Word[] {
	return [...authors].flatMap((author, a) =>
		Array.from({ length: each }, (_, i) => ({ author, about: i, sequence: a * each + i })),
	);
}

test('of an announcer that says too much everyone keeps the same statements and items', () => {
	const words = wordsOf('b', limits.announcerStatements + 20);
	const forwards = heard(words);
	assert.equal(
		forwards.state.announce.statements.get(challengeKey('corenet', challenge))?.size,
		limits.announcerStatements,
	);
	assert.deepEqual(known(heard([...words].reverse())), known(forwards));
	const named = forwards.state.announce.statements
		.values()[0]
		?.values()
		.flatMap(({ envelope }) => {
			return envelope.kind === 'ann' ? envelope.body.items.map(({ partition }) => partition) : [];
		});
	assert.deepEqual(
		new Set(forwards.state.works.values().map(({ item }) => item.partition)),
		new Set(named),
		'what nobody can be told of is not known',
	);
});

test('of many announcers too: those who say most give way', () => {
	const words = [...wordsOf('bcdef', 60), ...wordsOf('g', 3)];
	const forwards = known(heard(words));
	assert.equal(heard(words).state.announce.statements.values()[0]?.size, limits.challengeStatements);
	fc.assert(
		fc.property(fc.shuffledSubarray([...words], { minLength: words.length }), (shuffled) => {
			const bench = heard(shuffled);
			assert.deepEqual(known(bench), forwards);
			const quiet = bench.state.announce.statements
				.values()[0]
				?.values()
				.filter(({ envelope }) => envelope.from === bench.id('g'));
			assert.equal(quiet?.length, 3);
		}),
		{ numRuns: 10 },
	);
});

test('a tombstone is heeded for items of its own challenge only', () => {
	const bench = heard(wordsOf('b', 1));
	const [id] = bench.state.works.keys();
	assert.ok(id !== undefined);
	const other = { ...challenge, miner: actorId(1001), open: epoch(181) };
	bench.hear('b', { kind: 'tomb', body: { challenge: other, reason: 'cancelled', works: [id] } }, 165);
	bench.hear('c', { kind: 'tomb', body: { challenge: other, reason: 'cancelled', works: [id] } }, 165);
	const [work] = bench.state.works.values();
	assert.ok(work !== undefined && !isCancelled(bench.state, work));
});
