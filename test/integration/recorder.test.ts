import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { EventOf } from '../../src/core/api.ts';
import type { NodeId } from '../../src/domain/ids.ts';
import type { StatusReport } from '../../src/node/control-api.ts';
import { homePaths, openHome } from '../../src/node/home.ts';
import { findRecordings } from '../../src/node/recorder/replay.ts';
import { SegmentReader } from '../../src/node/recorder/segment-reader.ts';
import { CLI_MAIN } from '../support/cli.ts';
import { configured, found, succeeds } from '../support/founder.ts';
import { until } from '../support/until.ts';

const KILLS = 2;
const root = await mkdtemp(join(tmpdir(), 'poster-recorder-'));
const children: ChildProcess[] = [];
after(async () => {
	for (const child of children) child.kill('SIGKILL');
	await rm(root, { recursive: true, force: true });
});

async function started(home: string): Promise<ChildProcess> {
	const child = spawn(process.execPath, [CLI_MAIN, 'start', '--home', home, '--json'], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	children.push(child);
	const [line] = await once(child.stdout, 'data');
	assert.equal(JSON.parse(String(line)).event, 'started');
	return child;
}

async function connected(home: string): Promise<number> {
	const { url, token } = JSON.parse(await readFile(homePaths(home).control, 'utf8'));
	const response = await fetch(`${url}/status`, { headers: { authorization: `Bearer ${token}` } });
	return ((await response.json()) as StatusReport).connected;
}

interface Heard {
	readonly statements: readonly EventOf<'statement'>[];
	/** How often the peer connected and then told by a record what it truly holds. */
	readonly spoken: number;
}

/** What a node heard of a peer, by its own recording. */
async function heardOf(home: string, peer: NodeId): Promise<Heard> {
	const statements: EventOf<'statement'>[] = [];
	let spoken = 0;
	let silent = false;
	for (const file of await findRecordings(homePaths(home).recorder)) {
		const reader = await SegmentReader.open(file);
		await reader.state();
		for await (const { event } of reader.steps()) {
			if (event.type === 'connected' && event.peer === peer) silent = true;
			if (event.type !== 'statement' || event.envelope.from !== peer) continue;
			statements.push(event);
			if (!silent || event.envelope.kind !== 'rec') continue;
			spoken += 1;
			silent = false;
		}
		await reader.close();
	}
	return { statements, spoken };
}

/** Steps on the disk by segment, the oldest first; a kill takes those of the last moment. */
async function recordedSteps(home: string): Promise<number[]> {
	const counts: number[] = [];
	for (const file of await findRecordings(homePaths(home).recorder)) {
		const reader = await SegmentReader.open(file);
		await reader.state();
		let steps = 0;
		for await (const _step of reader.steps()) steps += 1;
		counts.push(steps);
		await reader.close();
	}
	return counts;
}

test('a node that is killed can be replayed, speaks at once when it is back, and repeats no sequence', async () => {
	const [first, second, invite] = [join(root, 'first'), join(root, 'second'), join(root, 'invite.json')];
	await found(first, '--name', 'op');
	await configured(first, 'announce = []\n');
	await started(first);
	await succeeds('roster', 'invite', '--home', first, '--out', invite);
	const { rosterAdd } = JSON.parse(
		await succeeds('init', '--home', second, '--join', invite, '--name', 'p1', '--json'),
	);
	await configured(second, 'announce = []\n');
	await succeeds(...(rosterAdd as string).split(' ').slice(1), '--home', first);

	const { id } = (await openHome(second)).identity;
	let node = await started(second);
	for (let kill = 0; kill < KILLS; kill++) {
		await until('both are connected', async () => (await connected(second)) === 1);
		await until('its record has come', async () => (await heardOf(first, id)).spoken > kill);
		await until('its own recording is on the disk', async () => {
			const counts = await recordedSteps(second);
			return counts.length === kill + 1 && counts.every((steps) => steps > 1);
		});
		node.kill('SIGKILL');
		await once(node, 'exit');
		await until('the loss is noticed', async () => (await connected(first)) === 0);
		node = await started(second);
	}
	await until('it is back', async () => (await connected(first)) === 1);
	await until('its record has come', async () => (await heardOf(first, id)).spoken > KILLS);

	const { statements } = await heardOf(first, id);
	const said = new Map<string, string>();
	for (const { envelope, raw } of statements) {
		const place = `${envelope.incarnation}/${envelope.sequence}`;
		const bytes = Buffer.from(raw).toString('hex');
		assert.equal(said.get(place) ?? bytes, bytes, `two statements at ${place}`);
		said.set(place, bytes);
		if (envelope.kind === 'rec') assert.deepEqual(envelope.body.leases, [], 'it holds none');
	}
	assert.equal(new Set(statements.map(({ envelope }) => envelope.incarnation)).size, KILLS + 1);

	for (const home of [first, second]) {
		const lines = (await succeeds('replay', homePaths(home).recorder, '--json')).trim().split('\n');
		const { same, segments } = JSON.parse(lines.at(-1) as string) as { same: boolean; segments: { steps: number }[] };
		assert.equal(same, true);
		assert.equal(segments.length, home === first ? 1 : KILLS + 1);
		assert.ok(segments.every(({ steps }) => steps > 1));
	}
});

test('no key and no token is in a recording', async () => {
	for (const name of ['first', 'second']) {
		const paths = homePaths(join(root, name));
		const home = await openHome(paths.root);
		const identity = home.identity.toProtobuf().subarray(4, 36);
		const secrets: Uint8Array[] = [
			identity,
			home.meshKey,
			Buffer.from(JSON.parse(await readFile(paths.control, 'utf8')).token),
		];
		if (name === 'first') {
			secrets.push(Buffer.from((await readFile(paths.operatorKey, 'utf8')).trim(), 'base64').subarray(4, 36));
		}
		for (const file of await findRecordings(paths.recorder)) {
			const recording = await readFile(file);
			for (const secret of secrets) {
				const bytes = Buffer.from(secret);
				assert.ok(bytes.length >= 16);
				for (const form of [bytes, Buffer.from(bytes.toString('hex')), Buffer.from(bytes.toString('base64'))]) {
					assert.equal(recording.indexOf(form), -1, `${file} holds a secret`);
				}
			}
		}
	}
});
