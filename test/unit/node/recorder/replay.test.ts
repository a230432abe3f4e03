import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import type { Event, Step } from '../../../../src/core/api.ts';
import { Packer } from '../../../../src/core/packer.ts';
import { isPosterError } from '../../../../src/domain/errors.ts';
import { limits } from '../../../../src/domain/limits.ts';
import { coreVersion } from '../../../../src/node/recorder/core-version.ts';
import { encodeFrame, encodeHeader, MAGIC } from '../../../../src/node/recorder/format.ts';
import { RecordedCore, replayed, subject } from '../../../support/recording.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-replay-'));
after(() => rm(root, { recursive: true, force: true }));
let folders = 0;
const folder = (): string => join(root, String(folders++));
const OTHER_CORE = 'ab'.repeat(32);

async function recorded(core: RecordedCore, path: string): Promise<string> {
	await core.recorder.close();
	const [name] = await readdir(path);
	return join(path, name as string);
}

/** A recording of the beginning of a life. */
async function begun(): Promise<{ readonly file: string; readonly bytes: Buffer }> {
	const path = folder();
	const core = new RecordedCore(path);
	await core.live(core.mesh.beginning());
	const file = await recorded(core, path);
	return { file, bytes: await readFile(file) };
}

test('a recording of another core is refused by naming both, and compared when that is asked for', async () => {
	const path = folder();
	const core = new RecordedCore(path, { who: { ...subject, core: OTHER_CORE } });
	await core.live(core.mesh.beginning());
	await recorded(core, path);
	await assert.rejects(replayed(path), (error) => {
		assert.ok(isPosterError(error, 'recording-core'));
		assert.match(error.message, new RegExp(`${OTHER_CORE}.*${coreVersion()}`));
		assert.match(error.advice ?? '', /--compare/);
		return true;
	});
	const steps = await replayed(path, true);
	assert.equal(steps.at(-1)?.difference, null, 'it decides alike all the same');
});

/** A core that takes the first claim for another reason, and waits with a write at some step before it. */
function otherwise(core: RecordedCore): (event: Event, now: number) => Step {
	let steps = 0;
	return (event, now) => {
		const { persist, after: effects } = core.decide(event, now);
		const late = steps++ === 5 ? [{ type: 'del', key: 'never-there' } as const] : [];
		const changed = effects.map((effect) =>
			effect.type === 'decision' && effect.decision.name === 'claim'
				? { ...effect, decision: { ...effect.decision, reason: 'whim' } }
				: effect,
		);
		return { persist: [...persist, ...late], after: changed };
	};
}

test('the first other effect and the first other decision are named, with both words', async () => {
	const path = folder();
	const core = new RecordedCore(path, { who: { ...subject, core: OTHER_CORE } });
	await core.live(core.mesh.beginning(), otherwise(core));
	await recorded(core, path);
	const last = (await replayed(path, true)).at(-1);
	assert.ok(last?.difference);
	const { since, sinceEvent, recorded: then } = last.difference;
	assert.equal(since, 5);
	assert.equal(sinceEvent, 'connected');
	assert.ok(last.step > since);
	assert.deepEqual(
		[then?.[0]?.decision, then?.[0]?.reason, last.told[0]?.decision, last.told[0]?.reason],
		['claim', 'whim', 'claim', 'first-in-rank'],
	);
});

test('what is no recording is refused as such, whatever it holds', async () => {
	const path = join(root, 'bad.rec');
	const header = encodeHeader({ ...subject, wallMs: 0, now: 0, step: 0 });
	const huge = Buffer.alloc(8, 0xff);
	const bad: readonly (readonly [content: Uint8Array, code: string])[] = [
		[Buffer.from('hello'), 'recording-bad'],
		[Buffer.alloc(100_000, 1), 'recording-bad'],
		[new Uint8Array(), 'recording-torn'],
		[MAGIC, 'recording-torn'],
		[Buffer.concat([MAGIC, huge]), 'recording-torn'],
		[Buffer.concat([MAGIC, encodeFrame('header', Buffer.from('{}'))]), 'recording-bad'],
		[Buffer.concat([MAGIC, encodeFrame('steps', Buffer.from('{}'))]), 'recording-bad'],
		[Buffer.concat([MAGIC, header]), 'recording-torn'],
		[Buffer.concat([MAGIC, header, huge]), 'recording-torn'],
		[Buffer.concat([MAGIC, header, encodeFrame('snapshot', Buffer.from('snapshot'))]), 'recording-torn'],
		[Buffer.concat([MAGIC, header, encodeFrame('steps', Buffer.from('steps'))]), 'recording-bad'],
		[Buffer.concat([MAGIC, header, header]), 'recording-bad'],
	];
	for (const [content, code] of bad) {
		await writeFile(path, content);
		await assert.rejects(replayed(path), (error) => isPosterError(error, code), `${code}: ${content.length} bytes`);
	}
	await assert.rejects(replayed(join(root, 'nowhere')), { code: 'recording-missing' });
	await assert.rejects(replayed('/dev/null/x'), { code: 'file-io' });
});

test('a file that claims more than the bound is read no further, in little memory', async () => {
	const path = join(root, 'long.rec');
	const before = process.memoryUsage().rss;
	const frame = Buffer.alloc(8);
	frame.writeUInt32BE(limits.recorderFrameBytes + 1);
	await writeFile(path, Buffer.concat([MAGIC, frame, Buffer.alloc(limits.recorderFrameBytes * 2)]));
	await assert.rejects(replayed(path), { code: 'recording-torn' });
	assert.ok(process.memoryUsage().rss - before < limits.recorderFrameBytes * 4);
});

test('whatever happens to one byte of a recording, it is replayed up to there or refused, never taken for another', async () => {
	const { file, bytes } = await begun();
	await fc.assert(
		fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
			const damaged = Buffer.from(bytes);
			damaged[at] = (damaged[at] as number) ^ flip;
			await writeFile(file, damaged);
			try {
				const steps = await replayed(file, true);
				assert.deepEqual(
					steps.filter(({ difference }) => difference !== null),
					[],
				);
			} catch (error) {
				assert.ok(isPosterError(error, 'recording-bad', 'recording-torn'), String(error));
			}
		}),
		{ numRuns: 60 },
	);
});

test('frames with a right checksum and wrong content are refused or differ, and end', async () => {
	const { file, bytes } = await begun();
	await fc.assert(
		fc.asyncProperty(fc.nat(), fc.nat(255), async (position, byte) => {
			await writeFile(file, withOtherByte(bytes, position, byte));
			try {
				await replayed(file, true);
			} catch (error) {
				assert.ok(isPosterError(error), String(error));
			}
		}),
		{ numRuns: 60 },
	);
});

/** One byte of one frame's content changed, and its checksum made right. */
function withOtherByte(bytes: Buffer, position: number, byte: number): Buffer {
	const changed = Buffer.from(bytes);
	const starts: number[] = [];
	for (let at = MAGIC.length; at < bytes.length; at += 8 + bytes.readUInt32BE(at)) starts.push(at);
	const start = starts[position % starts.length] as number;
	const length = bytes.readUInt32BE(start);
	changed[start + 9 + (position % (length - 1))] = byte;
	changed.writeUInt32BE(crc32(changed.subarray(start + 8, start + 8 + length)), start + 4);
	return changed;
}

test('a state that is none of the core is refused by the first step', async () => {
	const path = join(root, 'empty-state.rec');
	const packer = new Packer();
	packer.put(0);
	const state = packer.take();
	for (const value of [0, { type: 'tick' }, new Uint8Array()]) packer.put(value);
	const header = encodeHeader({ ...subject, wallMs: 0, now: 0, step: 7 });
	await writeFile(
		path,
		Buffer.concat([MAGIC, header, encodeFrame('snapshot', state), encodeFrame('steps', packer.take())]),
	);
	const [first, ...more] = await replayed(path);
	assert.equal(more.length, 0);
	assert.equal(first?.step, 7);
	assert.match(first?.failure ?? '', /undefined/);
	assert.deepEqual(first?.difference, { since: 7, sinceEvent: 'tick', recorded: [], failedThen: false });
});
