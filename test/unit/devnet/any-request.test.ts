/** Whatever a client sends, the embedded chain answers it or says what is wrong; no call fails through a bug. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { controlMethods } from '../../../src/devnet/control-methods.ts';
import { Gate } from '../../../src/devnet/gate.ts';
import { authMethods } from '../../../src/devnet/rpc/auth-methods.ts';
import { chainMethods, nodeMethods } from '../../../src/devnet/rpc/chain-methods.ts';
import { Dispatcher } from '../../../src/devnet/rpc/dispatch.ts';
import { messageMethods } from '../../../src/devnet/rpc/message-methods.ts';
import type { MethodTable } from '../../../src/devnet/rpc/method.ts';
import { stateMethods } from '../../../src/devnet/rpc/state-methods.ts';
import { Tokens } from '../../../src/devnet/rpc/tokens.ts';
import { Ticker } from '../../../src/devnet/ticker.ts';
import { Bench } from '../../support/devnet-bench.ts';
import { systemClock } from '../../support/system-clock.ts';

const bench = new Bench();
await bench.openDeadline(0);
await bench.node.mine();
await bench.push(bench.submission(0, [0]));
const head = { '/': bench.node.chain.head.cid };

const ticker = new Ticker({ clock: systemClock, log: bench.log, node: bench.node }, 1000);
const parts = { node: bench.node, ticker, gate: new Gate(), servers: [] };
const { Resume: _resume, Mine: _mine, Reorg: _reorg, ...control } = controlMethods(parts);
// A wait for a message that never lands does not answer.
const { StateWaitMsg: _wait, ...messages } = messageMethods(bench.node);
const methods: MethodTable = {
	...nodeMethods(bench.node, 1),
	...chainMethods(bench.node),
	...stateMethods(bench.node),
	...messages,
	...authMethods(new Tokens()),
	...control,
};
const dispatcher = new Dispatcher(methods, bench.log);
const caller = {
	permissions: new Set(['read', 'write', 'sign', 'admin']),
	signal: new AbortController().signal,
	openChannel: () => 1,
};

const address = fc.constantFrom(
	'f01001',
	'f0100',
	't01001',
	'f099999',
	bench.worker,
	bench.faucet,
	'',
	'f1',
	'f2x',
	'f4',
	'x0',
	'f0',
);
const amount = fc.oneof(fc.bigInt({ min: -1n, max: 10n ** 30n }).map(String), fc.constantFrom('0', '', 'x'));
const number = fc.oneof(fc.integer({ min: -2, max: 60 }), fc.maxSafeInteger(), fc.double());
const message = fc.record({
	Version: fc.constantFrom(0, 0, 0, 1),
	To: address,
	From: address,
	Nonce: number,
	Value: amount,
	GasLimit: number,
	GasFeeCap: amount,
	GasPremium: amount,
	Method: fc.oneof(fc.constantFrom(0, 5, 10, 11, 24), number),
	Params: fc.oneof(
		fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('base64')),
		fc.constantFrom('', null, 'gYGDAgBCkBQ=', '!', 'gYGDAQBAAA==', 'ggAA'),
	),
});
const argument = fc.oneof(
	address,
	number,
	message,
	fc.record({
		Message: message,
		Signature: fc.record({ Type: fc.constantFrom(1, 2, 3), Data: fc.constant(Buffer.alloc(65).toString('base64')) }),
	}),
	fc.constantFrom(null, [], [head], head, [{ '/': 'x' }], true, false, [0, 1], [5, 1, 3], {}),
	fc.jsonValue(),
);

test('every method answers any arguments, and never through a bug', async () => {
	await fc.assert(
		fc.asyncProperty(
			fc
				.constantFrom(...Object.entries(methods))
				.chain(([name, { params }]) =>
					fc.tuple(fc.constant(name), fc.array(argument, { minLength: params.length, maxLength: params.length })),
				),
			async ([name, params]) => {
				const { body } = await dispatcher.request({ id: 1, method: name, params }, caller);
				assert.ok(body !== undefined);
				assert.doesNotMatch(JSON.stringify(body), /internal error/, `${name} ${JSON.stringify(params)}`);
			},
		),
		{ numRuns: 4000 },
	);
	const bugs = bench.log.entries.filter(({ level }) => level === 'error');
	assert.deepEqual(bugs, []);
});

test('every body gets an answer', async () => {
	const text = fc.oneof(
		fc.string(),
		fc.json(),
		fc.constantFrom('[', '[[]]', '[1]', '{}', 'null', '"x"', '[null]', '0'),
	);
	await fc.assert(
		fc.asyncProperty(text, async (body) => {
			const { status } = await dispatcher.body(body, caller);
			assert.ok([200, 400, 500].includes(status));
		}),
		{ numRuns: 1000 },
	);
});
