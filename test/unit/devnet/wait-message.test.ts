/** StateWaitMsg: confidence, and an end when the caller goes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageMethods } from '../../../src/devnet/rpc/message-methods.ts';
import { Bench } from '../../support/devnet-bench.ts';

async function waiting(confidence: number) {
	const bench = new Bench();
	await bench.mineTo(1);
	const cid = await bench.push(bench.declaration('faults', 1, 0, [4]));
	const gone = new AbortController();
	const caller = { permissions: new Set(['read']), signal: gone.signal };
	const { StateWaitMsg } = messageMethods(bench.node);
	const answer = StateWaitMsg?.call(caller, [cid, confidence, -1, true]) as Promise<{ Height: number }>;
	return { bench, answer, gone };
}

test('the answer comes with the confidence asked for, and names the tipset after the including one', async () => {
	const { bench, answer } = await waiting(2);
	const settled = answer.then(() => true);
	await bench.mineTo(4);
	assert.equal(await Promise.race([settled, Promise.resolve('waits')]), 'waits');
	await bench.mineTo(5);
	assert.equal((await answer).Height, 3);
});

test('a wait ends when its caller goes', async () => {
	const { answer, gone } = await waiting(1);
	gone.abort();
	await assert.rejects(answer, { message: 'the caller has gone' });
});
