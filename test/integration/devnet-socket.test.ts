/** The embedded chain's WebSockets, bounds and control methods, over real sockets. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { type Devnet, type DevnetOptions, startDevnet } from '../../src/devnet/devnet.ts';
import type { StatisticsReport } from '../../src/devnet/statistics.ts';
import { limits } from '../../src/domain/limits.ts';
import { TagVerifier } from '../fakes/tag-verifier.ts';
import { BENCH_MINER, SHORT_POLICY } from '../support/devnet-bench.ts';
import { memoryLog } from '../support/memory-log.ts';
import { systemClock } from '../support/system-clock.ts';

interface Frame {
	readonly id?: unknown;
	readonly result?: unknown;
	readonly error?: { readonly code: number; readonly message: string };
	readonly method?: string;
	readonly params?: readonly unknown[];
}

const open = (options: Partial<DevnetOptions> = {}): Promise<Devnet> =>
	startDevnet(
		{ miners: [BENCH_MINER], policy: SHORT_POLICY, running: false, ...options },
		{ verifier: new TagVerifier(), clock: systemClock, log: memoryLog() },
	);

/** A client that keeps every frame and lets a test wait for the next one. */
class Client {
	readonly socket: WebSocket;
	readonly #frames: Frame[] = [];
	#waiting: ((frame: Frame) => void) | undefined;

	private constructor(socket: WebSocket) {
		this.socket = socket;
		socket.on('message', (data) => {
			const frame = JSON.parse((data as Buffer).toString()) as Frame;
			if (this.#waiting === undefined) this.#frames.push(frame);
			else this.#waiting(frame);
			this.#waiting = undefined;
		});
	}

	static async connect(devnet: Devnet, token = devnet.tokens.admin): Promise<Client> {
		const headers = token === '' ? {} : { Authorization: `Bearer ${token}` };
		const client = new Client(new WebSocket(devnet.url.replace('http', 'ws'), { headers }));
		await once(client.socket, 'open');
		return client;
	}

	send(id: unknown, method: string, params: readonly unknown[] = []): void {
		this.socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
	}

	async next(): Promise<Frame> {
		return this.#frames.shift() ?? new Promise((resolve) => (this.#waiting = resolve));
	}
}

/** Types and heights of a head change frame. */
function changes({ method, params }: Frame): unknown {
	assert.equal(method, 'xrpc.ch.val');
	const [channel, events] = params as [number, { Type: string; Val: { Height: number } }[]];
	return [channel, ...events.map(({ Type, Val }) => `${Type} ${Val.Height}`)];
}

async function call(devnet: Devnet, method: string, params: readonly unknown[] = []): Promise<Frame> {
	const response = await fetch(devnet.url, {
		method: 'POST',
		headers: { Authorization: `Bearer ${devnet.tokens.admin}` },
		body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
	});
	return (await response.json()) as Frame;
}

describe('the embedded chain over sockets', () => {
	let devnet: Devnet;
	beforeEach(async () => {
		devnet = await open();
	});
	afterEach(() => devnet.close());

	test('an idle connection is its client’s to close: no request goes out on one that ends', async () => {
		const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'Filecoin.ChainHead', params: [] });
		const response = await fetch(devnet.url, { method: 'POST', body });
		await response.text();
		assert.deepEqual([response.status, response.headers.get('keep-alive')], [200, null]);
	});

	test('head changes come over a channel: current, apply, several reverts and applies in one frame', async () => {
		const client = await Client.connect(devnet);
		client.send(1, 'Filecoin.ChainNotify');
		assert.deepEqual(await client.next(), { id: 1, jsonrpc: '2.0', result: 1 });
		assert.deepEqual(changes(await client.next()), [1, 'current 0']);
		for (const height of [1, 2, 3]) {
			await devnet.node.mine();
			assert.deepEqual(changes(await client.next()), [1, `apply ${height}`]);
		}
		await devnet.node.mine(2);
		assert.deepEqual(changes(await client.next()), [1, 'apply 6']);
		await devnet.node.reorg(2, 1);
		assert.deepEqual(changes(await client.next()), [1, 'revert 6', 'revert 3', 'apply 3']);
		client.send(undefined, 'xrpc.cancel', [1]);
		assert.deepEqual(await client.next(), { jsonrpc: '2.0', method: 'xrpc.ch.close', params: [1] });
		await devnet.node.mine();
		client.send(2, 'Filecoin.StateNetworkName');
		assert.equal((await client.next()).id, 2, 'no head change after the channel was closed');
	});

	test('channels count per connection, calls and errors go beside them, what is not JSON is ignored', async () => {
		const client = await Client.connect(devnet);
		client.socket.send('{bad json');
		client.send(10, 'Filecoin.ChainNotify');
		client.send(11, 'Filecoin.ChainNotify');
		assert.deepEqual([(await client.next()).result, changes(await client.next())], [1, [1, 'current 0']]);
		assert.deepEqual([(await client.next()).result, changes(await client.next())], [2, [2, 'current 0']]);
		client.send(3, 'Filecoin.NoSuch');
		assert.deepEqual((await client.next()).error, { code: -32601, message: "method 'Filecoin.NoSuch' not found" });
		client.send(4, 'Filecoin.StateMinerInfo', ['f01001']);
		const message = "wrong param count (method 'Filecoin.StateMinerInfo'): 1 != 2";
		assert.deepEqual((await client.next()).error, { code: -32602, message });
		const other = await Client.connect(devnet);
		other.send(1, 'Filecoin.ChainNotify');
		assert.equal((await other.next()).result, 1);
	});

	test('without a token a socket may read, with a bad one it is refused', async () => {
		const client = await Client.connect(devnet, '');
		client.send(1, 'Filecoin.ChainNotify');
		assert.equal((await client.next()).result, 1);
		await client.next();
		client.send(2, 'Devnet.Pause');
		assert.match((await client.next()).error?.message ?? '', /missing permission to invoke 'Pause' \(need 'admin'\)/);
		const bad = new WebSocket(devnet.url.replace('http', 'ws'), { headers: { Authorization: 'Bearer nonsense' } });
		const [error] = (await once(bad, 'error')) as [Error];
		assert.match(error.message, /401/);
	});

	test('a token made by AuthNew allows what it was made for', async () => {
		const made = (await call(devnet, 'Filecoin.AuthNew', [['read', 'write']])).result as string;
		const token = Buffer.from(made, 'base64').toString();
		assert.deepEqual((await call(devnet, 'Filecoin.AuthVerify', [token])).result, ['read', 'write']);
		const client = await Client.connect(devnet, token);
		client.send(1, 'Filecoin.WalletHas', [devnet.faucet]);
		assert.equal((await client.next()).result, true);
		client.send(2, 'Filecoin.AuthNew', [['admin']]);
		assert.match((await client.next()).error?.message ?? '', /need 'admin'/);
		const unknown = await call(devnet, 'Filecoin.AuthNew', [['root']]);
		assert.match(unknown.error?.message ?? '', /unknown permission "root"/);
	});

	test('a connection has so many channels and no more', async () => {
		const client = await Client.connect(devnet);
		for (let id = 1; id <= limits.devnetChannels; id++) {
			client.send(id, 'Filecoin.ChainNotify');
			assert.equal((await client.next()).result, id);
			await client.next();
		}
		client.send(99, 'Filecoin.ChainNotify');
		assert.match((await client.next()).error?.message ?? '', /too many channels/);
	});

	test('what is too large is refused: bodies, frames, batches', async () => {
		const large = 'x'.repeat(limits.devnetRequestBytes + 1);
		const post = (body: string) => fetch(devnet.url, { method: 'POST', body });
		assert.equal((await post(large)).status, 413);
		const one = { jsonrpc: '2.0', id: 1, method: 'Filecoin.Version', params: [] };
		const batch = (calls: number) => JSON.stringify(Array.from({ length: calls }, () => one));
		assert.equal((await post(batch(limits.devnetBatchCalls))).status, 200);
		assert.equal((await post(batch(limits.devnetBatchCalls + 1))).status, 400);
		const client = await Client.connect(devnet);
		client.socket.send(large);
		const [code] = (await once(client.socket, 'close')) as [number];
		assert.equal(code, 1009);
		assert.equal((await call(devnet, 'Filecoin.ChainHead')).error, undefined);
	});

	test('a frozen API hangs while the chain goes on; control passes; then everything comes in order', async () => {
		const client = await Client.connect(devnet);
		client.send(1, 'Filecoin.ChainNotify');
		await client.next();
		await client.next();
		await call(devnet, 'Devnet.Freeze', [true]);
		const hanging = call(devnet, 'Filecoin.StateNetworkName');
		client.send(2, 'Filecoin.StateNetworkName');
		await call(devnet, 'Devnet.Mine', [2, 0]);
		assert.equal(devnet.node.chain.head.height, 2);
		const waiting = client.next();
		const first = await Promise.race([hanging, waiting, call(devnet, 'Devnet.Stats').then(() => 'still frozen')]);
		assert.equal(first, 'still frozen');
		await call(devnet, 'Devnet.Freeze', [false]);
		assert.equal((await hanging).result, 'poster-devnet');
		const frames = [await waiting, await client.next(), await client.next()];
		assert.deepEqual(frames.filter(({ method }) => method !== undefined).map(changes), [
			[1, 'apply 1'],
			[1, 'apply 2'],
		]);
	});

	test('control: mine, null rounds, reorg, base fee, dropped messages, statistics', async () => {
		await call(devnet, 'Devnet.Mine', [3, 2]);
		assert.equal(devnet.node.chain.head.height, 9);
		const head = devnet.node.chain.head.cid;
		await call(devnet, 'Devnet.Reorg', [1, 1]);
		assert.notEqual(devnet.node.chain.head.cid, head);
		await call(devnet, 'Devnet.SetBaseFee', ['777777']);
		await call(devnet, 'Devnet.Mine', [1, 0]);
		assert.equal(devnet.node.chain.head.header.parentBaseFee, 777_777n);
		await call(devnet, 'Devnet.SetBaseFee', [null]);
		await call(devnet, 'Devnet.Mine', [1, 0]);
		assert.ok(devnet.node.chain.head.header.parentBaseFee < 777_777n);
		const unknown = { '/': head };
		assert.equal((await call(devnet, 'Devnet.DropMessage', [unknown])).result, false);
		const stats = (await call(devnet, 'Devnet.Stats')).result as StatisticsReport;
		assert.deepEqual(stats.disputes, { lost: 0, survived: 0, refused: 0 });
		const tooMany = limits.devnetEpochsPerCall + 1;
		assert.match((await call(devnet, 'Devnet.Mine', [tooMany, 0])).error?.message ?? '', /more than the/);
		assert.match((await call(devnet, 'Devnet.Reorg', [tooMany, 0])).error?.message ?? '', /more than the/);
	});
});

test('one of several full nodes can be killed: its clients are cut off, the others see the same chain', async () => {
	const devnet = await open({ fullNodes: 2 });
	try {
		const [, url = ''] = devnet.urls;
		const second = { ...devnet, url };
		const client = await Client.connect(second);
		await call(devnet, 'Devnet.Mine', [3, 0]);
		const head = (await call(second, 'Filecoin.ChainHead')).result;
		assert.deepEqual((await call(devnet, 'Filecoin.ChainHead')).result, head);
		const closed = once(client.socket, 'close');
		assert.equal((await call(devnet, 'Devnet.KillFullNode', [1])).error, undefined);
		await closed;
		await assert.rejects(call(second, 'Filecoin.ChainHead'), TypeError);
		assert.deepEqual((await call(devnet, 'Filecoin.ChainHead')).result, head);
		for (const index of [0, 2]) {
			assert.match((await call(devnet, 'Devnet.KillFullNode', [index])).error?.message ?? '', /no full node/);
		}
	} finally {
		await devnet.close();
	}
});

test('tokens and keys are written for their owner alone', async () => {
	const dataDir = await mkdtemp(join(tmpdir(), 'poster-devnet-test-'));
	const devnet = await open({ dataDir });
	try {
		for (const name of ['token-read', 'token-write', 'token-sign', 'token-admin', 'key-f01001']) {
			assert.equal((await stat(join(dataDir, name))).mode & 0o777, 0o600, name);
		}
		const token = (await readFile(join(dataDir, 'token-read'), 'utf8')).trim();
		assert.equal(token, devnet.tokens.read);
	} finally {
		await devnet.close();
		await rm(dataDir, { recursive: true });
	}
});

test('a port in use and a public network are refused', async () => {
	const devnet = await open();
	try {
		const port = Number(new URL(devnet.url).port);
		await assert.rejects(open({ port }), { code: 'devnet-listen' });
		await assert.rejects(open({ port: port - 1, fullNodes: 2 }), { code: 'devnet-listen' });
		await assert.rejects(open({ networkName: 'mainnet' }), { code: 'devnet-options' });
		await assert.rejects(open({ epochMs: 49 }), { code: 'devnet-options' });
		await assert.rejects(open({ port: 65_535, fullNodes: 2 }), { code: 'devnet-options' });
		await assert.rejects(open({ policy: { ...SHORT_POLICY, disputeWindow: 60 } }), { code: 'devnet-options' });
	} finally {
		await devnet.close();
	}
});

test('with epochs of 50 ms heads keep coming while calls are served', async () => {
	const devnet = await open({ running: true, epochMs: 50 });
	try {
		const client = await Client.connect(devnet);
		client.send(1, 'Filecoin.ChainNotify');
		await client.next();
		await client.next();
		for (let i = 0; i < 20; i++) {
			assert.equal((await client.next()).method, 'xrpc.ch.val');
			assert.equal((await call(devnet, 'Filecoin.StateMinerInfo', ['f01001', null])).error, undefined);
		}
		await call(devnet, 'Devnet.Pause');
		const paused = devnet.node.chain.head.height;
		await call(devnet, 'Devnet.Mine', [1, 0]);
		assert.equal(devnet.node.chain.head.height, paused + 1, 'nothing but what was asked for');
	} finally {
		await devnet.close();
	}
});
