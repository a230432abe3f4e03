import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Ed25519Identity } from '../../../src/adapters/identity/ed25519.ts';
import { isPosterError } from '../../../src/domain/errors.ts';
import { actorId, deadlineIndex, nodeId } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { startControl } from '../../../src/node/control.ts';
import type { ClaimsReport, StatusReport } from '../../../src/node/control-api.ts';
import { withoutPeer } from '../../../src/node/roster-changes.ts';
import { signRoster } from '../../../src/node/roster-file.ts';
import { FakeControlSource } from '../../fakes/control-source.ts';
import { until } from '../../support/until.ts';
import { holder, item, result, self, submission, view } from '../../support/views.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-control-'));
after(() => rm(root, { recursive: true, force: true }));
let files = 0;

const operator = Ed25519Identity.generate();
const peer = { id: operator.id, name: 'a', site: 's', weight: 1, slots: 1, roles: ['prover'] as const, miners: [] };
const roster = signRoster({ network: 'testing', version: 2, miners: [], peers: [peer] }, operator);
const errors: object[] = [];
const silent = {
	debug: () => undefined,
	info: () => undefined,
	warn: () => undefined,
	child: () => silent,
	error: (facts: object) => void errors.push(facts),
};

interface CallInit {
	readonly method?: string;
	readonly body?: BodyInit;
	readonly headers?: Record<string, string>;
	readonly signal?: AbortSignal;
	/** Needed for a body that is a stream. */
	readonly duplex?: 'half';
}

interface Running {
	readonly source: FakeControlSource;
	readonly url: string;
	readonly file: string;
	readonly call: (path: string, init?: CallInit) => Promise<Response>;
}

async function running(t: { after(run: () => Promise<void>): void }, source = fresh()): Promise<Running> {
	const file = join(root, `control-${files++}.json`);
	const server = await startControl(source, { address: '127.0.0.1:0', file }, silent);
	t.after(() => server.close());
	const { token } = JSON.parse(await readFile(file, 'utf8'));
	const call = (path: string, init: CallInit = {}): Promise<Response> =>
		fetch(`${server.url}${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } });
	return { source, url: server.url, file, call };
}

function fresh(): FakeControlSource {
	return new FakeControlSource(
		view([item({ holders: [holder()] }), item({ result, submission: submission('pending') })]),
		roster,
		operator,
	);
}

async function codeOf(response: Response): Promise<string> {
	return ((await response.json()) as { error: { code: string } }).error.code;
}

test('a client is told for how long an idle connection stays: no request goes out on one that ends', async (t) => {
	const { call } = await running(t);
	const response = await call('/status');
	await response.text();
	assert.deepEqual(
		[response.status, response.headers.get('keep-alive')],
		[200, `timeout=${limits.controlIdleMs / 1_000}`],
	);
});

test('without the token nothing but the metrics answers', async (t) => {
	const { url, source } = await running(t);
	for (const path of [
		'/claims',
		'/status',
		'/roster',
		'/peers',
		'/debug/mesh',
		'/bans',
		'/events',
		'/compute/x',
		'/nothing',
	]) {
		for (const authorization of ['', 'Bearer ', `Bearer ${'0'.repeat(64)}`]) {
			const response = await fetch(`${url}${path}`, { headers: { authorization } });
			assert.equal(response.status, 401, path);
			assert.equal(await codeOf(response), 'control-token');
		}
	}
	assert.equal((await fetch(`${url}/stop`, { method: 'POST' })).status, 401);
	assert.equal(source.stops, 0);
	assert.equal(await (await fetch(`${url}/metrics`)).text(), 'poster_x 1\n');
});

test('a request under another host name is refused, token or not: a web page may have resolved it to this machine', async (t) => {
	const { url } = await running(t);
	for (const path of ['/metrics', '/claims']) {
		const status = await new Promise((resolve, reject) => {
			request(`${url}${path}`, { headers: { host: 'evil.example' } }, (response) =>
				resolve(response.resume().statusCode),
			)
				.on('error', reject)
				.end();
		});
		assert.equal(status, 403);
	}
});

test('address and token lie in a file that only the owner reads, and it goes with the server', async () => {
	const file = join(root, 'own.json');
	const server = await startControl(fresh(), { address: '127.0.0.1:0', file }, silent);
	assert.equal((await stat(file)).mode & 0o777, 0o600);
	const content = JSON.parse(await readFile(file, 'utf8'));
	assert.equal(content.url, server.url);
	assert.equal(content.pid, process.pid);
	assert.ok(content.token.length >= 64);
	await server.close();
	await server.close();
	await assert.rejects(stat(file), { code: 'ENOENT' });
	await assert.rejects(fetch(server.url));
});

test('a port in use is named', async (t) => {
	const { url } = await running(t);
	const address = url.slice('http://'.length);
	const options = { address, file: join(root, 'never.json') };
	await assert.rejects(
		startControl(fresh(), options, silent),
		(error) => isPosterError(error, 'port-in-use') && error.message.includes(address),
	);
	await assert.rejects(stat(options.file), { code: 'ENOENT' });
});

test('bans are listed by name, and lifted by name or peer id, each once', async (t) => {
	const { source, call } = await running(t);
	const [ban, stranger] = [
		{ peer: operator.id, reason: 'garbage', leftMs: 41_000, times: 2 },
		{
			peer: nodeId('12D3KooWBXvQwoQpTCQoSU6VVCpJBZjoxVqPmwwNMjFi2GuFNqn8'),
			reason: 'flood-streams',
			leftMs: 1,
			times: 1,
		},
	];
	source.banned = [ban, stranger];
	const { peer, ...rest } = ban;
	assert.deepEqual(await (await call('/bans')).json(), {
		bans: [
			{ id: peer, name: 'a', ...rest },
			{ id: stranger.peer, name: stranger.peer, reason: 'flood-streams', leftMs: 1, times: 1 },
		],
	});
	assert.deepEqual(await (await call('/bans/a', { method: 'DELETE' })).json(), { lifted: operator.id });
	assert.deepEqual(source.banned, [stranger]);
	const again = await call('/bans/a', { method: 'DELETE' });
	assert.equal(again.status, 404);
	assert.equal(await codeOf(again), 'ban-unknown');
	assert.equal((await call(`/bans/${stranger.peer}`, { method: 'DELETE' })).status, 200);
	assert.deepEqual(source.banned, []);
});

test('claims and status are the view of the node', async (t) => {
	const { call } = await running(t);
	const claims = (await (await call('/claims')).json()) as ClaimsReport;
	assert.deepEqual(
		claims.claims.map(({ miner, phase, leftMs }) => ({ miner, phase, leftMs })),
		[
			{ miner: 'f01000', phase: 'gather', leftMs: 1_200_000 },
			{ miner: 'f01000', phase: 'pending', leftMs: 1_200_000 },
		],
	);
	assert.equal(claims.claims[1]?.result?.prover, 'prover-2');
	const status = (await (await call('/status')).json()) as StatusReport;
	assert.deepEqual([status.name, status.rosterVersion, status.connected, status.members], ['prover-1', 2, 1, 1]);
	assert.equal(((await (await call('/peers')).json()) as { peers: unknown[] }).peers.length, 2);
	assert.equal((await call('/nothing')).status, 404);
});

test('claims leave out what is closed for long, and who asks for no items has none made', async (t) => {
	const closed = [1, limits.claimsShownEpochs, limits.claimsShownEpochs + 1].map((ago) => item({ epochsLeft: -ago }));
	const { call, source } = await running(t, new FakeControlSource(view([item(), ...closed]), roster, operator));
	const { claims } = (await (await call('/claims')).json()) as ClaimsReport;
	assert.deepEqual(
		claims.map(({ epochsLeft }) => epochsLeft),
		[40, -1, -limits.claimsShownEpochs],
	);
	await call('/status');
	await call('/peers');
	assert.deepEqual(source.shown, [3, 0, 0]);
});

test('a newer roster of the operator is taken, an older, a forged and a broken one are refused', async (t) => {
	const { call, source } = await running(t);
	const post = (bytes: Uint8Array): Promise<Response> => call('/roster', { method: 'POST', body: Buffer.from(bytes) });
	const next = signRoster(withoutPeer(roster.roster, 'a'), operator);
	assert.equal((await post(next.bytes)).status, 200);
	assert.equal(source.roster().hash, next.hash);
	const shown = (await (await call('/roster')).json()) as { file: string; hash: string };
	assert.deepEqual(Buffer.from(shown.file, 'base64'), Buffer.from(next.bytes));
	assert.equal(await codeOf(await post(roster.bytes)), 'roster-older');
	assert.equal(await codeOf(await post(signRoster(next.roster, Ed25519Identity.generate()).bytes)), 'roster-signature');
	assert.equal(await codeOf(await post(Buffer.from('garbage'))), 'roster-bad');
});

test('a run is started with what was asked for; nonsense is refused before the node sees it', async (t) => {
	const { call, source } = await running(t);
	const post = (body: string): Promise<Response> => call('/compute', { method: 'POST', body });
	const response = await post('{"deadline":5,"miner":1000,"submit":true}');
	assert.equal(response.status, 202);
	assert.deepEqual(await response.json(), { id: 'run-1' });
	assert.deepEqual(source.asked, [{ deadline: deadlineIndex(5), miner: actorId(1000), submit: true }]);
	for (const body of [
		'',
		'x',
		'[]',
		'{}',
		'{"deadline":-1}',
		'{"deadline":1.5}',
		'{"deadline":"1"}',
		'{"deadline":1,"extra":1}',
		'{"deadline":1e9}',
	]) {
		const refused = await post(body);
		assert.equal(refused.status, 400, body);
		assert.equal(await codeOf(refused), 'control-request');
	}
	assert.equal(await codeOf(await post('{"deadline":48}')), 'compute-deadline');
	assert.equal((await call('/compute/none')).status, 404);
	assert.equal((await call('/compute/none', { method: 'DELETE' })).status, 404);
	assert.equal(source.asked.length, 1);
});

test('a body above its bound is refused', async (t) => {
	const { call, source } = await running(t);
	assert.equal((await call('/compute', { method: 'POST', body: 'x'.repeat(limits.controlBodyBytes + 1) })).status, 413);
	assert.equal((await call('/roster', { method: 'POST', body: Buffer.alloc(limits.rosterBytes + 1) })).status, 413);
	const endless = new ReadableStream({ pull: (controller) => controller.enqueue(Buffer.alloc(1024)) });
	const chunked = await call('/compute', { method: 'POST', body: endless, duplex: 'half' }).catch(() => undefined);
	assert.ok(chunked === undefined || chunked.status === 413, 'a body without a length is cut off, or refused');
	assert.deepEqual(source.asked, []);
});

test('a bug of the node is told to its log, not to the client', async (t) => {
	const source = fresh();
	source.debugMesh = () => {
		throw new TypeError('inner secret');
	};
	const { call } = await running(t, source);
	const response = await call('/debug/mesh');
	assert.equal(response.status, 500);
	assert.ok(!(await response.text()).includes('inner secret'));
	assert.equal(errors.length, 1);
});

test('events reach every reader in order; who leaves is forgotten', async (t) => {
	const { call, source } = await running(t);
	const leaving = new AbortController();
	const response = await call('/events', { signal: leaving.signal });
	const reader = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>)
		.pipeThrough(new TextDecoderStream())
		.getReader();
	await until('the reader is there', () => source.listeners === 1);
	for (let i = 0; i < 3; i++) source.emit('decision', { i });
	let text = '';
	while (!text.includes('"i":2')) text += (await reader.read()).value;
	assert.deepEqual(
		[...text.matchAll(/^data: (.*)$/gm)].map((match) => JSON.parse(match[1] as string).facts.i),
		[0, 1, 2],
	);
	leaving.abort();
	await until('the reader is gone', () => source.listeners === 0);
});

test('a reader of events that does not read is cut off, and costs no other its events', async (t) => {
	const { call, source } = await running(t);
	const slow = await call('/events');
	await until('the reader is there', () => source.listeners === 1);
	const big = 'x'.repeat(1024);
	for (let i = 0; i < limits.controlQueuedEvents * 4 && source.listeners > 0; i++) {
		for (let j = 0; j < 64; j++) source.emit('decision', { big });
		await new Promise(setImmediate);
	}
	assert.equal(source.listeners, 0);
	await slow.body?.cancel();
	assert.equal((await call('/events')).status, 200);
});

test('event streams beyond the bound are refused, and a place is free again when one ends', async (t) => {
	const { call, source } = await running(t);
	const leaving = new AbortController();
	// Kept to the end: fetch cancels the body of a response that nothing refers to any more.
	const open: Response[] = [];
	while (open.length < limits.controlStreams) open.push(await call('/events', { signal: leaving.signal }));
	const refused = await call('/events');
	assert.equal(refused.status, 503);
	assert.equal(await codeOf(refused), 'control-busy');
	leaving.abort();
	for (const response of open) await assert.rejects(response.text());
	await until('the reader is gone', () => source.listeners === 0);
	assert.equal((await call('/events')).status, 200);
});

test('the end of the server ends its streams', async (t) => {
	const source = fresh();
	const file = join(root, 'ending.json');
	const server = await startControl(source, { address: '127.0.0.1:0', file }, silent);
	t.after(() => server.close());
	const { token } = JSON.parse(await readFile(file, 'utf8'));
	const response = await fetch(`${server.url}/events`, { headers: { authorization: `Bearer ${token}` } });
	await until('the reader is there', () => source.listeners === 1);
	await server.close();
	assert.equal(source.listeners, 0);
	await response.text().catch(() => undefined);
});

test('a winning PoSt is asked for in whole, and answered with the proof; nonsense does not reach the node', async (t) => {
	const { call, source } = await running(t);
	const good = { miner: 1000, proofType: 3, randomness: `${'5b'.repeat(31)}1b`, sector: 7, commR: 'ab'.repeat(32) };
	const post = (body: object): Promise<Response> =>
		call('/winning-post', { method: 'POST', body: JSON.stringify(body) });
	const answer = (await (await post(good)).json()) as { proof: string; prover: string };
	assert.deepEqual(Buffer.from(answer.proof, 'base64'), Buffer.alloc(192, 7));
	assert.equal(answer.prover, self);
	for (const change of [
		{ proofType: 13 },
		{ randomness: 'ff'.repeat(32) },
		{ randomness: '5b' },
		{ commR: 'AB'.repeat(32) },
		{ sector: -1 },
		{ more: 1 },
	]) {
		const response = await post({ ...good, ...change });
		assert.deepEqual([response.status, await codeOf(response)], [400, 'control-request'], JSON.stringify(change));
	}
	assert.deepEqual(
		source.blocks.map(({ sector }) => sector.number),
		[7],
	);
	const off = await post({ ...good, miner: 1 });
	assert.deepEqual([off.status, await codeOf(off)], [409, 'winning-off']);
});

test('a stop is passed on', async (t) => {
	const { call, source } = await running(t);
	assert.equal((await call('/stop', { method: 'POST' })).status, 202);
	assert.equal(source.stops, 1);
});
