import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ending } from '../../../src/node/ending.ts';
import { memoryLog } from '../../support/memory-log.ts';

function ending() {
	const closed: string[] = [];
	const log = memoryLog();
	return { ending: new Ending(log, async () => void closed.push('closed')), closed, log };
}

test('a start that fails meanwhile is broken off at its next step, and its caller alone closes', () => {
	const { ending: node, closed } = ending();
	node.check();
	const reason = new Error('the loop broke');
	node.fail(reason);
	assert.throws(() => node.check(), reason);
	assert.throws(() => node.running(), reason);
	assert.deepEqual(closed, []);
});

test('a start that is told to end is broken off with that reason, and no failure is logged', () => {
	const { ending: node, closed, log } = ending();
	const reason = new Error('told');
	node.stop(reason);
	assert.throws(() => node.running(), reason);
	assert.deepEqual([closed, log.entries], [[], []]);
});

test('a running node closes once, for the first reason', async () => {
	const { ending: node, closed } = ending();
	node.running();
	const reason = new Error('the disk is gone');
	node.fail(reason);
	node.fail(new Error('and then this'));
	node.stop(new Error('told'));
	await assert.rejects(node.ended, reason);
	assert.deepEqual(closed, ['closed']);
});

test('a running node that is told to end has ended well when all is closed', async () => {
	const { ending: node, closed } = ending();
	node.running();
	node.stop(new Error('told'));
	node.fail(new Error('what closing brings with it'));
	await node.ended;
	assert.deepEqual(closed, ['closed']);
});
