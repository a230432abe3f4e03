/** Parameter files from member to member, and from a running node to the command that fetches. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Ed25519Identity } from '../../../src/adapters/identity/ed25519.ts';
import { fetchParameterFile } from '../../../src/adapters/params/fetch.ts';
import { httpSource } from '../../../src/adapters/params/source.ts';
import { encodeCbor } from '../../../src/codec/cbor.ts';
import { type NodeId, nodeId } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { PUBLISHED_PARAMETERS } from '../../../src/domain/parameters.ts';
import { startControl } from '../../../src/node/control.ts';
import { PARAMS_PROTOCOL, pullParams, serveParams } from '../../../src/node/params-exchange.ts';
import { signRoster } from '../../../src/node/roster-file.ts';
import { FakeControlSource } from '../../fakes/control-source.ts';
import { MemoryStreams } from '../../fakes/memory-streams.ts';
import { madeParameters } from '../../support/parameter-file.ts';
import { silentLog } from '../../support/silent-log.ts';
import { systemClock } from '../../support/system-clock.ts';
import { view } from '../../support/views.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-params-mesh-'));
after(() => rm(root, { recursive: true, force: true }));
const { signal } = new AbortController();
const NAME = PUBLISHED_PARAMETERS[0]?.name ?? '';
const them = nodeId('them');

function pair(): { readonly mine: MemoryStreams; readonly theirs: MemoryStreams } {
	const peers = new Map<NodeId, MemoryStreams>();
	const mine = new MemoryStreams(nodeId('me'), (peer) => peers.get(peer));
	const theirs = new MemoryStreams(them, () => mine);
	peers.set(them, theirs);
	return { mine, theirs };
}

async function read(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
	return Buffer.concat(await Array.fromAsync(chunks));
}

test('a member serves a published file from any offset on, over as many segments as it takes', async () => {
	const { mine, theirs } = pair();
	const folder = join(root, 'folder');
	await mkdir(folder);
	const bytes = Buffer.alloc(limits.paramsSegmentBytes + 3_000_000);
	for (let at = 0; at < bytes.length; at += 4_096) bytes.writeUInt32LE(at, at);
	await writeFile(join(folder, NAME), bytes);
	serveParams(theirs, folder);
	for (const offset of [0, 1_000_000, bytes.length - 1]) {
		const file = await pullParams(mine, them, NAME, offset, signal);
		assert.equal(file?.total, bytes.length);
		assert.ok((await read(file.chunks)).equals(bytes.subarray(offset)), `from ${offset}`);
	}
	assert.equal(mine.open.size, 0, 'no stream is left');
});

test('what is not published is not served, whatever its path', async () => {
	const { mine, theirs } = pair();
	await writeFile(join(root, 'secret'), 'secret');
	await mkdir(join(root, 'served'));
	serveParams(theirs, join(root, 'served'));
	for (const name of ['../secret', NAME, 'secret']) {
		assert.equal(await pullParams(mine, them, name, 0, signal), undefined, name);
	}
	assert.equal(mine.open.size, 0);
});

test('a member that ends early, or changes its mind about the length, is told', async () => {
	for (const totals of [
		[100, 100],
		[100, 200],
	]) {
		const { mine, theirs } = pair();
		const answers = [...totals];
		theirs.onPull(PARAMS_PROTOCOL, 256, async (_peer, _request, writer) => {
			await writer.write(encodeCbor([answers.shift() ?? null]));
			if (answers.length > 0) await writer.write(new Uint8Array(50));
		});
		const file = await pullParams(mine, them, NAME, 0, signal);
		assert.ok(file !== undefined);
		await assert.rejects(read(file.chunks), { code: 'stream-truncated' });
	}
});

test('a fetch through a running node is resumed where it broke, and goes on with another source', async (t) => {
	const made = madeParameters('mesh');
	const operator = Ed25519Identity.generate();
	const roster = signRoster({ network: 'testing', version: 1, miners: [], peers: [] }, operator);
	const shown = view([]);
	const source = new FakeControlSource(
		{ ...shown, peers: shown.peers.map((peer) => ({ ...peer, node: them })) },
		roster,
		operator,
	);
	source.files.set(made.entry.name, made.bytes);
	const file = join(root, 'control.json');
	const control = await startControl(source, { address: '127.0.0.1:0', file }, silentLog);
	t.after(() => control.close());
	const { url, token } = JSON.parse(await readFile(file, 'utf8')) as { url: string; token: string };
	const member = httpSource(systemClock, {
		name: 'member',
		urlOf: ({ name }) => `${url}/params/${them}/${name}`,
		headers: { authorization: `Bearer ${token}` },
	});
	source.breaksAt = 200_000;
	const clock = {
		...systemClock,
		sleep: async () => {
			source.breaksAt += 300_000;
		},
	};
	const path = join(root, made.entry.name);
	const steps: number[] = [];
	await fetchParameterFile(clock, made.entry, {
		path,
		sources: [member],
		tell: ({ done }) => steps.push(done),
		signal,
	});
	assert.ok((await readFile(path)).equals(made.bytes));
	assert.ok(
		steps.every((done, i) => done >= (steps[i - 1] ?? 0)),
		'nothing was fetched twice',
	);
	const missing = { ...made.entry, name: 'v28-missing.params' };
	await assert.rejects(
		fetchParameterFile(clock, missing, { path: join(root, 'x'), sources: [member], tell: () => undefined, signal }),
		{ code: 'params-unavailable' },
	);
});
