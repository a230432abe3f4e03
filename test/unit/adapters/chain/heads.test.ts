/** Head changes over real sockets: recorded sessions, lost connections, silence, servers without WebSocket. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { WebSocket } from 'ws';
import { LotusChain } from '../../../../src/adapters/chain/lotus-chain.ts';
import { headChangesFromJson } from '../../../../src/codec/lotus-json-state.ts';
import type { HeadChange } from '../../../../src/domain/chain.ts';
import { limits } from '../../../../src/domain/limits.ts';
import type { Clock } from '../../../../src/ports/clock.ts';
import { memoryLog } from '../../../support/memory-log.ts';
import { type MemoryMetrics, memoryMetrics } from '../../../support/memory-metrics.ts';
import {
	type NodeRequest,
	type NodeScript,
	result,
	type ScriptedNode,
	scriptedNode,
} from '../../../support/scripted-node.ts';
import { systemClock } from '../../../support/system-clock.ts';
import { findObjects, recording } from '../../../vectors/lotus-rpc.ts';

type Json = Record<string, unknown>;

/** Real time, but pauses between attempts take none. */
const promptClock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 5), signal) };
const version = { Version: 'test', APIVersion: 1, BlockDelay: 30 };
const answerVersion = (request: NodeRequest) => result(request, version);

interface Opened {
	readonly nodes: readonly ScriptedNode[];
	readonly heads: AsyncIterator<readonly HeadChange[]>;
	readonly metrics: MemoryMetrics;
	readonly stop: AbortController;
}

async function follow(
	t: TestContext,
	scripts: readonly NodeScript[],
	clock = promptClock,
	network?: string,
): Promise<Opened> {
	const nodes = await Promise.all(scripts.map((script) => scriptedNode({ call: answerVersion, ...script })));
	const metrics = memoryMetrics();
	const endpoints = nodes.map(({ url }) => ({ url, token: 'token' }));
	const chain = new LotusChain(
		{ clock, log: memoryLog(), metrics },
		{ endpoints, ...(network !== undefined && { network }) },
	);
	const stop = new AbortController();
	const heads = chain.heads(stop.signal)[Symbol.asyncIterator]();
	t.after(async () => {
		stop.abort();
		await chain.close();
		await Promise.all(nodes.map((node) => node.close()));
	});
	return { nodes, heads, metrics, stop };
}

async function take({ heads }: Opened, count: number): Promise<(readonly HeadChange[])[]> {
	const taken: (readonly HeadChange[])[] = [];
	while (taken.length < count) {
		const { value, done } = await heads.next();
		assert.ok(!done, `ended after ${taken.length} of ${count}`);
		taken.push(value);
	}
	return taken;
}

const kinds = (frames: readonly (readonly HeadChange[])[]): string[] =>
	frames.map((changes) => changes.map(({ type, tipSet }) => `${type} ${tipSet.height}`).join(', '));

interface Block {
	readonly Parents: unknown;
}

interface RecordedTipSet extends Json {
	readonly Height: number;
	readonly Cids: unknown;
	readonly Blocks: readonly Block[];
}

/** The recorded tipsets of one chain, by height. */
const tipSets = new Map(
	[...findObjects((object) => 'Blocks' in object && 'Cids' in object)]
		.filter(({ file }) => file.startsWith('140-'))
		.map(({ value }) => [Number(value['Height']), value as RecordedTipSet]),
);
const heights = [...tipSets.keys()].sort((a, b) => a - b);

function changes(socket: WebSocket, ...list: readonly (readonly [type: string, height: number])[]): void {
	const values = list.map(([Type, height]) => ({ Type, Val: tipSets.get(height) }));
	socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'xrpc.ch.val', params: [1, values] }));
}

/** Answers the subscription, then runs `then`. */
const subscribed =
	(then: (socket: WebSocket, connection: number) => void) =>
	(socket: WebSocket): void => {
		const connection = ++connections;
		socket.on('message', (data) => {
			const { id } = JSON.parse((data as Buffer).toString()) as Json;
			socket.send(JSON.stringify({ id, jsonrpc: '2.0', result: 1 }));
			then(socket, connection);
		});
	};
let connections = 0;
const [first = 0, second = 0, third = 0] = heights;

test('recorded sessions are read as they were sent, whatever else is on the connection', async (t) => {
	for (const [number, ours, channel] of [
		['140', 1, 1],
		['141', 11, 1],
		['142', 1, 1],
		['293', 1, 1],
	] as const) {
		const frames = recording(number).frames ?? [];
		const received = frames.filter(({ dir, op }) => dir === '<' && op === 'text').map(({ frame }) => frame as Json);
		const expected = received
			.filter(({ method, params }) => method === 'xrpc.ch.val' && (params as unknown[])[0] === channel)
			.map(({ params }) => headChangesFromJson((params as unknown[])[1]));
		const opened = await follow(t, [
			{
				socket: (socket) =>
					socket.once('message', () => {
						for (const frame of received) {
							socket.send(JSON.stringify(frame['id'] === ours ? { ...frame, id: 1 } : frame));
						}
						socket.ping();
					}),
			},
		]);
		assert.deepEqual(await take(opened, expected.length), expected, number);
		opened.stop.abort();
	}
});

test('several reverts, then applies, come in one frame and stay together', async (t) => {
	const opened = await follow(t, [
		{
			socket: subscribed((socket) => {
				changes(socket, ['current', second]);
				changes(socket, ['revert', second], ['revert', first], ['apply', third]);
			}),
		},
	]);
	assert.deepEqual(kinds(await take(opened, 2)), [
		`current ${second}`,
		`revert ${second}, revert ${first}, apply ${third}`,
	]);
});

test('a subscription that ends in any way is made anew and begins with current', async (t) => {
	const ends: Record<string, (socket: WebSocket) => void> = {
		'TCP dropped': (socket) => socket.terminate(),
		'closed in order': (socket) => socket.close(),
		'channel closed': (socket) => socket.send(JSON.stringify({ method: 'xrpc.ch.close', params: [1] })),
		'no JSON': (socket) => socket.send('{'),
		'a frame of another shape': (socket) => socket.send(JSON.stringify({ method: 'xrpc.ch.val', params: [1, [{}]] })),
		'a binary frame': (socket) => socket.send(Uint8Array.of(1)),
		'a frame beyond its bound': (socket) => socket.send('x'.repeat(limits.headFrameBytes + 1)),
	};
	for (const [what, end] of Object.entries(ends)) {
		await t.test(what, async (t) => {
			let ended = false;
			const opened = await follow(t, [
				{
					socket: subscribed((socket) => {
						changes(socket, ['current', ended ? second : first]);
						if (!ended) end(socket);
						ended = true;
					}),
				},
			]);
			assert.deepEqual(kinds(await take(opened, 2)), [`current ${first}`, `current ${second}`]);
			assert.equal(opened.metrics.total('poster_chain_head_subscriptions_lost_total'), 1);
		});
	}
});

test('an error instead of a subscription is asked about again', async (t) => {
	let attempts = 0;
	const opened = await follow(t, [
		{
			socket: (socket) =>
				socket.on('message', () => {
					if (attempts++ > 1) {
						socket.send(JSON.stringify({ id: 1, result: 1 }));
						changes(socket, ['current', first]);
					} else socket.send(JSON.stringify({ id: 1, error: { code: 1, message: 'starting' } }));
				}),
		},
	]);
	assert.deepEqual(kinds(await take(opened, 1)), [`current ${first}`]);
	assert.equal(opened.metrics.total('poster_chain_head_subscriptions_lost_total', { reason: 'chain-rpc' }), 2);
});

/** A clock on which only waits of exactly `ms` pass quickly. */
const quickOnly = (ms: number): Clock => ({
	...promptClock,
	after: (wait, run) => systemClock.after(wait === ms ? 30 : wait, run),
});

test('a connection without a sign of life is given up, also when TCP holds it', async (t) => {
	let silent = true;
	const opened = await follow(
		t,
		[
			{
				socket: subscribed((socket) => {
					changes(socket, ['current', silent ? first : second]);
					// What a stopped process or a cut line looks like: pings stay without an answer.
					if (silent) socket.pause();
					silent = false;
				}),
			},
		],
		quickOnly(limits.headConnectionSilenceMs / 2),
	);
	assert.deepEqual(kinds(await take(opened, 2)), [`current ${first}`, `current ${second}`]);
	assert.equal(opened.metrics.total('poster_chain_head_subscriptions_lost_total', { reason: 'chain-timeout' }), 1);
});

test('a live connection without head changes for ten block delays is made anew, not earlier', async (t) => {
	const waits: number[] = [];
	const clock = quickOnly(version.BlockDelay * 1000 * limits.headSilenceEpochs);
	const watched: Clock = {
		...clock,
		after(ms, run) {
			waits.push(ms);
			return clock.after(ms, run);
		},
	};
	let silent = true;
	const opened = await follow(
		t,
		[
			{
				socket: subscribed((socket) => {
					changes(socket, ['current', silent ? first : second]);
					silent = false;
				}),
			},
		],
		watched,
	);
	assert.deepEqual(kinds(await take(opened, 2)), [`current ${first}`, `current ${second}`]);
	assert.ok(waits.includes(300_000), 'the limit comes from the block delay');
});

test('pings of the node keep a connection alive, head changes put off the limit of silence', async (t) => {
	for (const [ms, sign] of [
		[limits.headConnectionSilenceMs / 2, (socket: WebSocket) => socket.ping()],
		[version.BlockDelay * 1000 * limits.headSilenceEpochs, (socket: WebSocket) => changes(socket, ['apply', second])],
	] as const) {
		const armed: (() => void)[] = [];
		const counting: Clock = {
			...promptClock,
			after(wait, run) {
				if (wait === ms) armed.push(run);
				return promptClock.after(wait, run);
			},
		};
		const opened = await follow(
			t,
			[
				{
					socket: subscribed((socket) => {
						changes(socket, ['current', first]);
						for (let i = 0; i < 3; i++) sign(socket);
						changes(socket, ['apply', third]);
					}),
				},
			],
			counting,
		);
		let type = '';
		while (type !== `apply ${third}`) [type = ''] = kinds(await take(opened, 1));
		// At the start, for the frames around, and once for each of the three signs.
		assert.ok(armed.length >= 6, `${ms}: the wait began anew ${armed.length} times`);
		opened.stop.abort();
	}
});

test('where there is no WebSocket the head is asked for; one that does not follow is current again', async (t) => {
	assert.deepEqual(tipSets.get(second)?.Blocks[0]?.Parents, tipSets.get(first)?.Cids, 'these two follow each other');
	const other = { ...tipSets.get(third), Blocks: tipSets.get(first)?.Blocks };
	const answers = [first, first, second].map((height) => tipSets.get(height));
	for (const refuseSocket of [404, 405, 426]) {
		let asked = 0;
		const opened = await follow(t, [
			{
				refuseSocket,
				call: (request) =>
					request.method === 'Version' ? answerVersion(request) : result(request, answers[asked++] ?? other),
			},
		]);
		assert.deepEqual(kinds(await take(opened, 3)), [`current ${first}`, `apply ${second}`, `current ${third}`]);
		assert.ok(asked >= 4, 'an unchanged head is no change');
	}
});

test('heads follow the full node that answers, and calls go with them', async (t) => {
	const opened = await follow(t, [
		// Calls are answered, heads are not: only the subscription finds out.
		{ refuseSocket: 503 },
		{ socket: subscribed((socket) => changes(socket, ['current', first])) },
	]);
	assert.deepEqual(kinds(await take(opened, 1)), [`current ${first}`]);
	assert.deepEqual(
		opened.nodes.map(({ requests }) => requests.length),
		[1, 1],
	);
});

test('a full node that tells its head and hangs up, again and again, is asked ever more slowly', async (t) => {
	const pauses: number[] = [];
	const watched: Clock = {
		...promptClock,
		sleep(ms, signal) {
			pauses.push(ms);
			return promptClock.sleep(ms, signal);
		},
	};
	const hangUp = subscribed((socket) => {
		changes(socket, ['current', first]);
		socket.close();
	});
	await take(await follow(t, [{ socket: hangUp }], watched), 5);
	assert.deepEqual(
		pauses.slice(0, 4),
		[1, 2, 4, 8].map((times) => times * limits.headRetryMs),
	);
});

test('no heads are taken from a fallback of another network', async (t) => {
	const network = (name: string) => (request: NodeRequest) =>
		request.method === 'StateNetworkName' ? result(request, name) : answerVersion(request);
	let back = false;
	const opened = await follow(
		t,
		[
			{
				call: (request) => (back ? network('testing')(request) : { status: 503, body: '' }),
				socket: subscribed((socket) => changes(socket, ['current', first])),
			},
			{
				call(request) {
					back = true;
					return network('mainnet')(request);
				},
				socket: subscribed((socket) => changes(socket, ['current', second])),
			},
		],
		promptClock,
		'testing',
	);
	assert.deepEqual(kinds(await take(opened, 1)), [`current ${first}`]);
	assert.deepEqual(
		opened.nodes[1]?.requests.map(({ method }) => method),
		['StateNetworkName'],
	);
});

test('a refused token is asked about again: it may be replaced while we run', async (t) => {
	let refused = 0;
	const opened = await follow(t, [
		{
			call: (request) => (refused++ < 2 ? { status: 401, body: '' } : answerVersion(request)),
			socket: subscribed((socket) => changes(socket, ['current', first])),
		},
	]);
	assert.deepEqual(kinds(await take(opened, 1)), [`current ${first}`]);
	assert.equal(opened.metrics.total('poster_chain_head_subscriptions_lost_total', { reason: 'chain-permission' }), 2);
});

test('the token goes with the WebSocket handshake', async (t) => {
	let authorization: string | undefined;
	const opened = await follow(t, [
		{
			socket: (socket, request) => {
				authorization = request.headers.authorization;
				subscribed((client) => changes(client, ['current', first]))(socket);
			},
		},
	]);
	await take(opened, 1);
	assert.equal(authorization, 'Bearer token');
});

test('a reader that falls behind is not buffered for without a bound: it starts anew', async (t) => {
	const hungUp = Promise.withResolvers<void>();
	let flooded = false;
	const opened = await follow(t, [
		{
			socket: subscribed((socket) => {
				changes(socket, ['current', first]);
				if (flooded) return;
				flooded = true;
				socket.on('close', hungUp.resolve);
				for (let i = 0; i < limits.headFrames + 10; i++) changes(socket, ['apply', second]);
			}),
		},
	]);
	await take(opened, 1);
	await hungUp.promise;
	const buffered = await take(opened, limits.headFrames + 1);
	assert.deepEqual(kinds(buffered.slice(-2)), [`apply ${second}`, `current ${first}`]);
});

test('aborting ends the iteration and the connection', async (t) => {
	let closed: () => void = () => undefined;
	const gone = new Promise<void>((resolve) => {
		closed = resolve;
	});
	const opened = await follow(t, [
		{
			socket: (socket) => {
				socket.on('close', closed);
				subscribed((client) => changes(client, ['current', first]))(socket);
			},
		},
	]);
	await take(opened, 1);
	const pending = opened.heads.next();
	opened.stop.abort();
	assert.deepEqual(await pending, { value: undefined, done: true });
	await gone;
});
