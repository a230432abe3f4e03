import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderClaims } from '../../../src/cli/render/claims.ts';
import { renderCompute } from '../../../src/cli/render/compute.ts';
import { duration } from '../../../src/cli/render/duration.ts';
import { renderStatus } from '../../../src/cli/render/status.ts';
import { renderTable } from '../../../src/cli/render/table.ts';
import type { View } from '../../../src/core/api.ts';
import { deadlineIndex, epoch, partitionIndex } from '../../../src/domain/ids.ts';
import type { NodeFacts } from '../../../src/node/control-api.ts';
import { claimsReport, statusReport } from '../../../src/node/control-views.ts';
import { holder, item, result, computeRun as run, self, submission, view } from '../../support/views.ts';

const lines = (text: string): string[] => text.split('\n');

test('the table of claims shows every open partition: who, how far, how long, and why not us', () => {
	const partition = (index: number, change: Parameters<typeof item>[0] = {}) =>
		item({ partition: partitionIndex(index), ...change });
	const report = claimsReport(
		view([
			partition(0, { why: 'no-free-slot' }),
			partition(1, { why: 'own', gathered: 1200, holders: [holder({ node: self, name: 'prover-1' })] }),
			partition(2, {
				why: 'leased',
				holders: [holder({ phase: 'prove', permille: 625, term: 2 }), holder({ backup: true })],
			}),
			partition(3, { why: 'result-known', result, epochsLeft: 2, sectors: 1 }),
			partition(4, { why: 'already-posted', result, submission: submission('included') }),
			partition(5, { why: 'past-close', epochsLeft: 0, close: epoch(120) }),
			item({ kind: 'dry', deadline: deadlineIndex(31), epochsLeft: 200, why: 'too-late' }),
		]),
		'prover-1',
	);
	assert.deepEqual(lines(renderClaims(report)), [
		'prover-1 on testing, epoch 120, 1 of 1 other members connected',
		'',
		'Miner       Deadline  Partition  Sectors  Holder       Term  Phase      Progress    Left  Why not us',
		'f01000             7          0     2349  -               -  open              -  20m00s  no free slot',
		'f01000             7          1     2349  prover-1        1  gather    1200/2349  20m00s  ours',
		'f01000             7          2     2349  prover-2 +1     2  prove           62%  20m00s  leased',
		'f01000             7          3        1  prover-2        -  proven         100%   1m00s  proof is known',
		'f01000             7          4     2349  prover-2        -  included       100%  20m00s  on the chain already',
		'f01000             7          5     2349  -               -  missed            -  closed  deadline is closed',
		'f01000 dry        31          0     2349  -               -  open              -   1h40m  no time left for a proof',
	]);
});

test('status says which slots are out of service, why, and what to do', () => {
	const facts: NodeFacts = {
		version: '0.1.0',
		pid: 1,
		name: 'prover-1',
		roles: ['prover'],
		addresses: [],
		startedWallMs: 0,
		chain: 'none',
		loopDelayP99Ms: 1,
		proofTimes: [],
		storeStalledMs: 0,
	};
	const slotLines = (change: Partial<View>): string[] => {
		const all = lines(renderStatus(statusReport(view([], change), facts, 1), 0));
		const at = all.findIndex((line) => line.startsWith('Slots'));
		return all.slice(
			at,
			all.findIndex((line) => line.startsWith('Loop')),
		);
	};
	assert.deepEqual(slotLines({}), ['Slots      0 of 1 busy']);
	const slotsOut = [
		{ slot: 'cpu-0', reason: 'unknown option', advice: 'Build it again.' },
		{ slot: 'cpu-1', reason: 'gone' },
	];
	assert.deepEqual(slotLines({ slots: [], slotsOut }), [
		'Slots      0 of 0 busy, 2 OUT OF SERVICE',
		'           cpu-0: unknown option. Build it again.',
		'           cpu-1: gone',
	]);
});

test('nothing due, a node that syncs, and alarms are said in words', () => {
	const alarms = [{ code: 'many-skips' as const, subject: 'f01000 7/0', facts: { skipped: 12 } }];
	assert.deepEqual(lines(renderClaims(claimsReport(view([], { epoch: epoch(-1), synced: false, alarms }), 'n'))), [
		'n on testing, epoch unknown, 1 of 1 other members connected, syncing',
		'',
		'Nothing is due: no deadline is between its challenge and its close.',
		'',
		'alarm many-skips: f01000 7/0 skipped=12',
	]);
});

test('a terminal’s width cuts the last column only, and leaves it out where its title does not fit', () => {
	const table = claimsReport(view([item({ why: 'mass-loss' })]), 'n');
	for (const line of lines(renderClaims(table, 90)).slice(2)) assert.ok(line.length <= 90, line);
	assert.match(renderClaims(table, 90), /waiting…|wait.*…/);
	assert.match(renderClaims(table), /waiting: many peers vanished at once/);
	assert.match(renderClaims(table, 80), / Left\n.*\dm\d\ds$/);
});

test('columns are as wide as their widest cell, titles included', () => {
	const columns = [
		{ title: 'A', align: 'left' as const, cell: (row: string) => row },
		{ title: 'Long', align: 'right' as const, cell: (row: string) => row },
		{ title: 'Z', align: 'left' as const, cell: () => 'z' },
	];
	assert.deepEqual(lines(renderTable(columns, ['x', 'yyyyyy'])), [
		'A         Long  Z',
		'x            x  z',
		'yyyyyy  yyyyyy  z',
	]);
	assert.equal(renderTable(columns, []), 'A  Long  Z');
});

test('spans are read in two units at most', () => {
	const spans: readonly (readonly [number, string])[] = [
		[0, '0ms'],
		[999, '999ms'],
		[1000, '1.0s'],
		[9999, '9.9s'],
		[10_000, '10s'],
		[59_999, '59s'],
		[60_000, '1m00s'],
		[3_599_999, '59m59s'],
		[3_600_000, '1h00m'],
		[90_000_000, '25h00m'],
		[-61_000, '-1m01s'],
	];
	for (const [ms, text] of spans) assert.equal(duration(ms), text);
});

test('a run shows the time of each step per partition, and that nothing was sent', () => {
	assert.deepEqual(lines(renderCompute(run)), [
		'Deadline 7 of f01000: 1 of 2 partitions proven, 4.2s (done)',
		'',
		'Partition  Sectors  Skipped  Holder    Phase   Find  Open  Transfer  Check  Prove  Verify  Error',
		'        0        2        0  prover-2  proven   3ms  12ms       9ms   20ms   1.2s    17ms  -',
		'        1        2        1  -         failed   3ms     -         -      -      -       -  incomplete',
		'',
		'A dry run: nothing was sent.',
	]);
	assert.equal(renderCompute({ ...run, state: 'empty', partitions: [] }), 'Deadline 7 of f01000 has nothing to prove.');
});
