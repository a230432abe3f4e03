import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { type FetchStep, fetchParameterFile } from '../../../../src/adapters/params/fetch.ts';
import { folderSource, gatewaySource, type ParameterSource } from '../../../../src/adapters/params/source.ts';
import { isPosterError } from '../../../../src/domain/errors.ts';
import type { ParameterFile } from '../../../../src/domain/parameters.ts';
import type { Clock } from '../../../../src/ports/clock.ts';
import { type Answer, FileServer } from '../../../fakes/file-server.ts';
import { type MadeFile, madeKey, madeParameters } from '../../../support/parameter-file.ts';
import { systemClock } from '../../../support/system-clock.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-params-'));
after(() => rm(root, { recursive: true, force: true }));
let folders = 0;

/** Pauses take no time here; silence is heard at once when a test says so. */
const hasty: Clock = { ...systemClock, sleep: async () => undefined };
const { signal } = new AbortController();

const made = madeParameters('right');
const lie = madeParameters('other');
/** The right head, and then something else. */
const lateLie: Buffer = Buffer.concat([made.bytes.subarray(0, 200_000), lie.bytes.subarray(200_000)]);

async function server(t: TestContext, ...answers: Answer[]): Promise<{ server: FileServer; source: ParameterSource }> {
	const serving = new FileServer(made.bytes, answers.length === 0 ? [{}] : answers);
	const source = gatewaySource(hasty, await serving.start());
	t.after(() => serving.stop());
	return { server: serving, source };
}

interface Run {
	readonly path: string;
	readonly steps: FetchStep[];
	readonly folder: string;
	fetch(...sources: ParameterSource[]): Promise<string>;
}

async function run(file: ParameterFile = made.entry): Promise<Run> {
	const folder = join(root, `run-${folders++}`);
	await mkdir(folder);
	const path = join(folder, file.name);
	const steps: FetchStep[] = [];
	const tell = (step: FetchStep): void => void steps.push(step);
	return {
		path,
		steps,
		folder,
		fetch: (...sources) => fetchParameterFile(hasty, file, { path, sources, tell, signal }),
	};
}

async function arrived({ path, folder }: Run, { bytes, entry }: MadeFile = made): Promise<void> {
	assert.ok((await readFile(path)).equals(bytes), 'the file is the published one');
	assert.deepEqual(await readdir(folder), [entry.name], 'nothing else is left');
}

test('a file comes by its content id from an IPFS gateway', async (t) => {
	const { server: serving, source } = await server(t);
	const fetching = await run();
	assert.equal(await fetching.fetch(source), source.name);
	await arrived(fetching);
	assert.deepEqual(serving.paths, ['/ipfs/Qmright']);
	assert.deepEqual(fetching.steps.at(-1), {
		what: 'fetching',
		source: source.name,
		reason: '',
		done: made.bytes.length,
		total: made.bytes.length,
	});
});

test('a line that breaks is taken up where it broke', async (t) => {
	const { server: serving, source } = await server(t, { dropAfter: 300_000 }, { dropAfter: 200_000 }, {});
	const fetching = await run();
	await fetching.fetch(source);
	await arrived(fetching);
	assert.equal(serving.ranges[0], '');
	const starts = serving.ranges.slice(1).map((range) => Number(/^bytes=(\d+)-$/.exec(range)?.[1]));
	assert.ok(
		starts.every((start, i) => start > (starts[i - 1] ?? 0)),
		`each try begins further: ${starts.join()}`,
	);
});

test('a server that ignores ranges keeps what came before', async (t) => {
	const { source } = await server(t, { dropAfter: 300_000 }, { ignoresRange: true });
	const fetching = await run();
	await fetching.fetch(source);
	await arrived(fetching);
});

test('an earlier run that was cut off is completed, also by another source', async (t) => {
	const { server: serving, source } = await server(t);
	const fetching = await run();
	await writeFile(`${fetching.path}.part`, made.bytes.subarray(0, 500_000));
	await fetching.fetch(source);
	await arrived(fetching);
	assert.deepEqual(serving.ranges, ['bytes=500000-']);
});

test('a part that is whole already is not fetched again', async (t) => {
	const { source } = await server(t);
	const fetching = await run();
	await writeFile(`${fetching.path}.part`, made.bytes);
	await fetching.fetch(source);
	await arrived(fetching);
});

test('a part that is longer than the file, or of another circuit, begins anew', async (t) => {
	for (const left of [Buffer.concat([made.bytes, made.bytes]), lie.bytes]) {
		const { source } = await server(t);
		const fetching = await run();
		await writeFile(`${fetching.path}.part`, left);
		await fetching.fetch(source);
		await arrived(fetching);
	}
});

test('a source of another circuit is left at the head of the file', async (t) => {
	const liar = await server(t, { bytes: lie.bytes });
	const honest = await server(t);
	const fetching = await run();
	assert.equal(await fetching.fetch(liar.source, honest.source), honest.source.name);
	await arrived(fetching);
	const taken = fetching.steps.filter(({ what, source }) => what === 'fetching' && source === liar.source.name);
	assert.deepEqual(taken, [], 'the first chunk tells');
	const left = fetching.steps.find(({ what }) => what === 'next-source');
	assert.match(left?.reason ?? '', /its verifying key is of an unknown circuit/);
});

test('a source that lies further on is left for the next one', async (t) => {
	const liar = await server(t, { bytes: lateLie });
	const honest = await server(t);
	const fetching = await run();
	assert.equal(await fetching.fetch(liar.source, honest.source), honest.source.name);
	await arrived(fetching);
	assert.deepEqual(honest.server.ranges, [''], 'nothing of the lie is kept');
});

test('an honest source is not blamed for what another one left', async (t) => {
	const { server: serving, source } = await server(t);
	const fetching = await run();
	await writeFile(`${fetching.path}.part`, lateLie.subarray(0, 400_000));
	assert.equal(await fetching.fetch(source), source.name);
	await arrived(fetching);
	assert.deepEqual(serving.ranges, ['bytes=400000-', ''], 'once more, from this source alone');
});

test('a source with a truncated file is left, and so is one that sends too much', async (t) => {
	const short = await server(t, { bytes: made.bytes.subarray(0, 700_000) });
	const long = await server(t, { bytes: Buffer.concat([made.bytes, Buffer.alloc(10)]) });
	const honest = await server(t);
	const fetching = await run();
	assert.equal(await fetching.fetch(short.source, long.source, honest.source), honest.source.name);
	await arrived(fetching);
});

test('a range that is not the one asked for is not written', async (t) => {
	const { source } = await server(t, { contentRange: `bytes 0-9/${made.bytes.length}` });
	const honest = await server(t);
	const fetching = await run();
	await writeFile(`${fetching.path}.part`, made.bytes.subarray(0, 500_000));
	assert.equal(await fetching.fetch(source, honest.source), honest.source.name);
	await arrived(fetching);
});

test('a busy server is asked again, one without the file is not', async (t) => {
	const busy = await server(t, { status: 503 }, { status: 429 }, {});
	const without = await server(t, { status: 404 });
	const fetching = await run();
	assert.equal(await fetching.fetch(without.source, busy.source), busy.source.name);
	assert.equal(without.server.ranges.length, 1);
	assert.equal(busy.server.ranges.length, 3);
});

test('a source that falls silent is left', { timeout: 120_000 }, async (t) => {
	const silent = await server(t, { silent: true });
	const honest = await server(t);
	const impatient: Clock = { ...hasty, after: (_, call) => systemClock.after(20, call) };
	const address = silent.source.name;
	const fetching = await run();
	assert.equal(await fetching.fetch(gatewaySource(impatient, address), honest.source), honest.source.name);
	await arrived(fetching);
	assert.match(fetching.steps.find(({ what }) => what === 'next-source')?.reason ?? '', /nothing came/);
});

test('when no source has it, each one tells why and what came is kept', async (t) => {
	const dead = await server(t, { dropAfter: 300_000 }, { dropAfter: 0 });
	const fetching = await run();
	const missing = folderSource(join(root, 'nowhere'));
	await assert.rejects(fetching.fetch(missing, dead.source), (error) => {
		assert.ok(isPosterError(error, 'params-unavailable'));
		assert.match(error.message, /nowhere.*cannot be read/);
		assert.ok(error.message.includes(dead.source.name));
		return true;
	});
	assert.ok((await stat(`${fetching.path}.part`)).size > 0);
});

test('a folder is a source like any other, and a false file in it is not believed', async () => {
	const [good, bad] = [join(root, 'good'), join(root, 'bad')];
	await mkdir(good);
	await mkdir(bad);
	await writeFile(join(good, made.entry.name), made.bytes);
	await writeFile(join(bad, made.entry.name), lateLie);
	const fetching = await run();
	assert.equal(await fetching.fetch(folderSource(bad), folderSource(good)), good);
	await arrived(fetching);
});

test('keys are fetched like parameters', async (t) => {
	const key = madeKey('key');
	const serving = new FileServer(key.bytes);
	t.after(() => serving.stop());
	const fetching = await run(key.entry);
	await fetching.fetch(gatewaySource(hasty, await serving.start()));
	await arrived(fetching, key);
});

test('an abort ends the transfer and keeps what came', async (t) => {
	const { source } = await server(t, { dropAfter: 400_000 }, { silent: true });
	const folder = join(root, `run-${folders++}`);
	await mkdir(folder);
	const path = join(folder, made.entry.name);
	const abort = new AbortController();
	const clock: Clock = { ...hasty, sleep: async () => abort.abort(new Error('enough')) };
	const fetching = fetchParameterFile(clock, made.entry, {
		path,
		sources: [source],
		tell: () => undefined,
		signal: abort.signal,
	});
	await assert.rejects(fetching, { message: 'enough' });
	assert.ok((await stat(`${path}.part`)).size > 0);
});
