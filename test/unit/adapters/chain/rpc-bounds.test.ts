/** What the client does with a full node that is slow, away, wrong or endless. */
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { AnswerReader } from '../../../../src/adapters/chain/answer-reader.ts';
import { LotusChain } from '../../../../src/adapters/chain/lotus-chain.ts';
import { normalizeUrl } from '../../../../src/adapters/chain/rpc-endpoint.ts';
import { sealedCidOfCommR } from '../../../../src/codec/cid.ts';
import { messageFromJson, signedMessageFromJson } from '../../../../src/codec/lotus-json.ts';
import { Bitfield } from '../../../../src/domain/bitfield.ts';
import { isPosterError } from '../../../../src/domain/errors.ts';
import { actorId, attoFil, type CidText, cidText, hex32 } from '../../../../src/domain/ids.ts';
import { limits } from '../../../../src/domain/limits.ts';
import type { SignedMessage } from '../../../../src/domain/message.ts';
import type { Clock } from '../../../../src/ports/clock.ts';
import { memoryLog } from '../../../support/memory-log.ts';
import { memoryMetrics } from '../../../support/memory-metrics.ts';
import {
	type NodeRequest,
	type NodeScript,
	result,
	type ScriptedNode,
	scriptedNode,
} from '../../../support/scripted-node.ts';
import { systemClock } from '../../../support/system-clock.ts';
import { until } from '../../../support/until.ts';
import { recording } from '../../../vectors/lotus-rpc.ts';

const at = [cidText('bafy2bzacebvc3rdem6dl6mjudhte777iuq44qv5rzk7h6iq2ffjnciuacnpic')];
const miner = actorId(1001);
const hung = new Promise<never>(() => undefined);
const code = (expected: string) => (error: unknown) => isPosterError(error, expected) || assert.fail(String(error));

async function open(t: TestContext, ...scripts: NodeScript[]): Promise<{ chain: LotusChain; nodes: ScriptedNode[] }> {
	const nodes = await Promise.all(scripts.map((script) => scriptedNode(script)));
	const urls = nodes.map(({ url }) => url);
	t.after(() => Promise.all(nodes.map((node) => node.close())));
	return { chain: chainOf(t, urls), nodes };
}

function chainOf(
	t: TestContext,
	urls: readonly string[],
	timeoutMs: number = limits.chainCallMs,
	clock: Clock = systemClock,
): LotusChain {
	const chain = new LotusChain(
		{ clock, log: memoryLog(), metrics: memoryMetrics() },
		{ endpoints: urls.map((url) => ({ url })), timeoutMs },
	);
	t.after(() => chain.close());
	return chain;
}

const urlsOf = (nodes: readonly ScriptedNode[]): string[] => nodes.map(({ url }) => url);

const named = (name: string): NodeScript => ({ call: (request) => result(request, name) });

test('a call that is never answered ends at its time limit', async (t) => {
	const { nodes } = await open(t, { call: () => hung });
	await assert.rejects(chainOf(t, urlsOf(nodes), 50).networkName(), code('chain-timeout'));
});

test('an actor that is not there is told in the same way, whichever full node says so', async (t) => {
	for (const answer of [{ result: null }, { error: { code: 1, message: 'actor not found' } }]) {
		const { chain } = await open(t, { call: ({ id }) => ({ body: { id, jsonrpc: '2.0', ...answer } }) });
		await assert.rejects(
			chain.actor('f099', at),
			(error) => isPosterError(error, 'chain-rpc') && error.message === 'actor not found',
		);
	}
});

test('a body that stops halfway ends at the time limit too', async (t) => {
	const sockets: Socket[] = [];
	const server = createServer((socket) => {
		sockets.push(socket);
		socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"id":1');
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	t.after(() => {
		for (const socket of sockets) socket.destroy();
		server.close();
	});
	const chain = chainOf(t, [`http://127.0.0.1:${(server.address() as AddressInfo).port}/rpc/v1`], 50);
	await assert.rejects(chain.networkName(), code('chain-timeout'));
});

test('a full node that is not there is unreachable, and the error says why', async (t) => {
	const node = await scriptedNode({});
	await node.close();
	await assert.rejects(chainOf(t, [node.url]).networkName(), (error) => {
		assert.ok(isPosterError(error, 'chain-unreachable'));
		return assert.match(error.message, /ECONNREFUSED/) ?? true;
	});
});

/** Answers requests of one connection with `name`, but ends it at the requests whose numbers it is given. */
async function forgetful(t: TestContext, lost: readonly number[], end: (socket: Socket) => void, name: string) {
	let requests = 0;
	const server = createServer((socket) => {
		let request = '';
		socket.on('data', (bytes) => {
			request += String(bytes);
			if (!request.endsWith('}')) return;
			if (lost.includes(++requests)) return end(socket);
			const { id } = JSON.parse(request.split('\r\n\r\n')[1] ?? '') as { id: number };
			request = '';
			const body = JSON.stringify({ id, jsonrpc: '2.0', result: name });
			socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	t.after(() => server.close());
	const chain = chainOf(t, [`http://127.0.0.1:${(server.address() as AddressInfo).port}/rpc/v1`]);
	return { chain, requests: () => requests };
}

for (const [how, end] of [
	['closes', (socket: Socket) => socket.end()],
	['resets', (socket: Socket) => socket.resetAndDestroy()],
] as const) {
	test(`a call is made once more when the server ${how} its connection instead of an answer, and only once`, async (t) => {
		const { chain, requests } = await forgetful(t, [2, 4, 5], (socket) => void end(socket), 'name');
		assert.equal(await chain.networkName(), 'name');
		assert.deepEqual([await chain.networkName(), requests()], ['name', 3]);
		await assert.rejects(chain.networkName(), code('chain-unreachable'));
		assert.equal(requests(), 5);
	});
}

test('an answer beyond its bound is dropped while it arrives', async (t) => {
	const { chain } = await open(t, { call: () => ({ body: Buffer.alloc(limits.chainAnswerBytes + 1, 0x20) }) });
	await assert.rejects(chain.networkName(), code('chain-bad-answer'));
});

test('answers that are no JSON-RPC, of another request or of another shape are told apart from errors of the node', async (t) => {
	const bodies: unknown[] = ['', '<html>', '[]', 'null', '1', { id: 99, jsonrpc: '2.0', result: 'x' }];
	const shapes = [{ result: null }, { result: 7 }, { error: 'text' }, { error: { code: 'x' } }, {}];
	let body: unknown;
	const { chain } = await open(t, {
		call: ({ id }) => ({ body: typeof body === 'object' ? { id, jsonrpc: '2.0', ...body } : body }),
	});
	for (body of [...bodies, ...shapes]) await assert.rejects(chain.networkName(), code('chain-bad-answer'));
});

test('a redirect is not followed: it would carry the token elsewhere', async (t) => {
	const { nodes } = await open(t, named('elsewhere'));
	const location = urlsOf(nodes)[0] ?? '';
	const { chain } = await open(t, { call: () => ({ status: 307, location, body: '' }) });
	await assert.rejects(chain.networkName(), code('chain-unreachable'));
	assert.equal(nodes[0]?.requests.length, 0);
});

test('a refused token is a matter of permission, whatever comes with the status', async (t) => {
	for (const body of ['', { error: { code: -32000, message: 'no' } }, '<html>']) {
		for (const status of [401, 403]) {
			const { chain } = await open(t, { call: () => ({ status, body }) });
			await assert.rejects(chain.networkName(), code('chain-permission'), `${status} ${JSON.stringify(body)}`);
		}
	}
});

test('calls at a time are bounded, waiting ones follow, closing ends all', async (t) => {
	const answers: (() => void)[] = [];
	const call = (request: NodeRequest) =>
		new Promise<{ body: unknown }>((resolve) => answers.push(() => resolve(result(request, 'x'))));
	const { chain } = await open(t, { call });
	const calls = Array.from({ length: limits.chainCalls + 5 }, () => chain.networkName());
	await until('all places are taken', () => answers.length === limits.chainCalls);
	answers[0]?.();
	await until('the next one followed', () => answers.length === limits.chainCalls + 1);
	await chain.close();
	const outcomes = await Promise.allSettled(calls);
	const done = outcomes.filter(({ status }) => status === 'fulfilled');
	assert.equal(done.length, 1);
	for (const outcome of outcomes) {
		if (outcome.status === 'rejected') assert.ok(isPosterError(outcome.reason, 'chain-unreachable'));
	}
	await assert.rejects(chain.networkName(), code('chain-unreachable'));
});

test('a call moves on to the next full node when one is away or hangs, and stays there', async (t) => {
	const { nodes } = await open(t, { call: () => hung }, { call: () => ({ status: 503, body: '' }) }, named('third'));
	// The first call hangs and is given up soon; the others have their time, on a loaded machine too.
	let calls = 0;
	const after: Clock['after'] = (ms, run) => systemClock.after(calls++ === 0 ? 20 : ms, run);
	const chain = chainOf(t, urlsOf(nodes), limits.chainCallMs, { ...systemClock, after });
	assert.equal(await chain.networkName(), 'third');
	assert.equal(await chain.networkName(), 'third');
	assert.deepEqual(
		nodes.map(({ requests }) => requests.length),
		[1, 1, 2],
	);
});

test('an error of the node is an answer: no other node is asked', async (t) => {
	const error = { code: 1, message: 'actor not found' };
	const { chain, nodes } = await open(
		t,
		{ call: ({ id }) => ({ body: { id, jsonrpc: '2.0', error } }) },
		named('other'),
	);
	await assert.rejects(chain.networkName(), code('chain-rpc'));
	assert.equal(nodes[1]?.requests.length, 0);
});

test('when all full nodes are away each is asked once', async (t) => {
	const away: NodeScript = { call: () => ({ status: 502, body: '' }) };
	const { chain, nodes } = await open(t, away, away);
	await assert.rejects(chain.networkName(), code('chain-unreachable'));
	assert.deepEqual(
		nodes.map(({ requests }) => requests.length),
		[1, 1],
	);
});

test('of many sectors a partition at a time is asked for, and others than asked for are refused', async (t) => {
	const field = Bitfield.ofRuns([{ start: 5, end: 5000 }]);
	let extra: number[] = [];
	const { chain, nodes } = await open(t, {
		call: (request) => result(request, [...numbersOf(request), ...extra].map(sectorJson)),
	});
	const sectors = await chain.sectors(miner, field, at);
	assert.deepEqual(
		sectors.map(({ number }) => number),
		[...field],
	);
	assert.equal(nodes[0]?.requests.length, 3);
	for (extra of [[3], [5]]) await assert.rejects(chain.sectors(miner, field, at), code('chain-bad-answer'));
});

test('a large answer is read beside the event loop, a small one at once', async (t) => {
	const reader = new AnswerReader();
	t.after(() => reader.close());
	const pooled = resultOf('162') as object[];
	const senders = [(pooled[0] as { Message: { From: string } }).Message.From];
	for (const [size, first] of [
		[1, 'answer'],
		[1000, 'event loop'],
	] as const) {
		const body = { id: 1, result: Array(size).fill(pooled[0]) };
		const bytes = new TextEncoder().encode(JSON.stringify(body));
		const answer = reader.readBulk(bytes, { id: 1, method: 'MpoolPending', reader: 'pool', senders });
		const turn = new Promise((resolve) => setImmediate(resolve, 'event loop'));
		assert.equal(await Promise.race([answer.then(() => 'answer'), turn]), first, `${size} messages`);
		const messages = (await answer) as SignedMessage[];
		assert.equal(messages.length, size);
		assert.deepEqual(messages.at(-1), signedMessageFromJson(pooled[0]));
	}
});

test('of a pool only the messages of the given senders are read, whatever the others are', async (t) => {
	const [ours] = resultOf('162') as { Message: { From: string } }[];
	const delegated = { Message: { From: 'f410fkkld55ioe7qg24wvt7fu6pbknb56ht7pt4zamxa' }, Signature: { Type: 3 } };
	const { chain } = await open(t, { call: (request) => result(request, [delegated, ours, ours]) });
	assert.equal((await chain.pending([String(ours?.Message.From)])).length, 2);
	assert.equal((await chain.pending([])).length, 0);
	assert.equal((await chain.pending([delegated.Message.From])).length, 0, 'a signature of a kind that is not ours');
});

test('a full node that answers about another message than asked is not believed', async (t) => {
	const message = messageFromJson((recording('146').request?.params as unknown[] | undefined)?.[0]);
	const signed = signedMessageFromJson((resultOf('162') as unknown[])[0]);
	let answer: unknown;
	const { chain } = await open(t, { call: (request) => result(request, answer) });
	for (const change of [
		{ Method: 11 },
		{ To: 'f01002' },
		{ Nonce: 1 },
		{ Value: '1' },
		{ Params: '' },
		{ From: 'f00' },
	]) {
		answer = { ...(resultOf('146') as object), ...change };
		await assert.rejects(chain.estimateGas(message, attoFil(1n), at), code('chain-bad-answer'), JSON.stringify(change));
	}
	[answer] = at.map((cid) => ({ '/': cid }));
	await assert.rejects(chain.push(signed), code('chain-bad-answer'));
});

test('a search that fails for another reason than an unknown message is an error', async (t) => {
	const [cid] = at as [CidText];
	const head = 'bafy2bzacedqaqvf7yyk3tpzn6mjmpvqpd7qc7tgdpkrwghxfnjcyr5pjvlhj4';
	let message = '';
	const { chain } = await open(t, { call: ({ id }) => ({ body: { id, error: { code: 1, message } } }) });
	for (message of [
		`failed to load message: ipld: could not find ${head}`,
		`loading tipset {${head}}: get block ${cid}: ipld: could not find ${cid}`,
		'failed to load message: disk',
	]) {
		await assert.rejects(chain.searchMessage(cid, at, -1), code('chain-rpc'), message);
	}
	message = `failed to load message: ipld: could not find ${cid}`;
	assert.equal(await chain.searchMessage(cid, at, -1), undefined);
	message = `found message with equal nonce as the one we are looking for that is NOT a valid replacement message (F:${cid} n 7, TS: ${head} n7)`;
	assert.equal(await chain.searchMessage(cid, at, -1), undefined);
});

test('an error inside a large answer keeps its code and text', async (t) => {
	const padding = 'x'.repeat(limits.chainInlineBytes);
	const { chain } = await open(t, {
		call: ({ id }) => ({ body: { id, error: { code: 1, message: 'load failed' }, padding } }),
	});
	await assert.rejects(
		chain.pending([]),
		(error) => isPosterError(error, 'chain-rpc') && error.meta['rpcCode'] === 1 && error.message === 'load failed',
	);
});

test('URLs of full nodes are normalised, others and credentials in them are refused', () => {
	assert.equal(normalizeUrl('http://127.0.0.1:1234'), 'http://127.0.0.1:1234/rpc/v1');
	assert.equal(normalizeUrl('ws://127.0.0.1:1234/rpc/v1'), 'http://127.0.0.1:1234/rpc/v1');
	assert.equal(normalizeUrl('WSS://node.example/rpc/v1'), 'https://node.example/rpc/v1');
	for (const url of [
		'',
		'node',
		'ftp://node',
		'http://user:pw@node',
		'http://node/rpc/v1?token=x',
		'/ip4/127.0.0.1/tcp/1234/http',
	]) {
		assert.throws(() => normalizeUrl(url), code('config-invalid'), url);
	}
});

function numbersOf({ params }: NodeRequest): number[] {
	const [, lengths] = params as [string, number[]];
	const [zeros = 0, ones = 0] = lengths;
	return Array.from({ length: ones }, (_, i) => zeros + i);
}

function sectorJson(number: number): object {
	const sealed = sealedCidOfCommR(hex32(number.toString(16).padStart(64, '0')));
	const [first] = resultOf('016') as object[];
	return { ...first, SectorNumber: number, SealedCID: { '/': sealed } };
}

function resultOf(file: string): unknown {
	return recording(file).response?.result;
}
