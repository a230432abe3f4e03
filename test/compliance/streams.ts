/** What every Streams does, over whichever implementation `open` gives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPosterError, PosterError } from '../../src/domain/errors.ts';
import type { NodeId } from '../../src/domain/ids.ts';
import { limits } from '../../src/domain/limits.ts';
import type { BulkReader, CallOptions, Streams } from '../../src/ports/streams.ts';
import { patiently } from '../support/patiently.ts';
import { until } from '../support/until.ts';

export interface StreamsPair {
	readonly client: Streams;
	readonly server: Streams;
	readonly clientId: NodeId;
	readonly serverId: NodeId;
	/** A member that is never there. */
	readonly absentId: NodeId;
	close(): Promise<void>;
}

const PROTOCOL = '/poster/compliance/1';
const MAX_REQUEST = 1000;
const options: CallOptions = { timeoutMs: 60_000, maxResponseBytes: 1 << 20 };
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const code =
	(...codes: string[]) =>
	(error: unknown) =>
		isPosterError(error, ...codes);

/** For a handler that may be called when its caller has gone already. */
async function untilAborted(signal: AbortSignal): Promise<never> {
	if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
	throw signal.reason;
}

async function drain(reader: BulkReader): Promise<Uint8Array[]> {
	const frames: Uint8Array[] = [];
	for (let frame = await reader.read(); frame !== undefined; frame = await reader.read()) frames.push(frame);
	return frames;
}

export function streamsCompliance(name: string, open: () => Promise<StreamsPair>): void {
	const rule = (title: string, run: (pair: StreamsPair) => Promise<void>): void => {
		test(`${name}: ${title}`, async () => {
			const pair = await open();
			try {
				await run(pair);
			} finally {
				await pair.close();
			}
		});
	};
	callRules(rule);
	pullRules(rule);
	backpressureRules(rule);
}

type Rule = (title: string, run: (pair: StreamsPair) => Promise<void>) => void;

function callRules(rule: Rule): void {
	rule('a call gets its answer, and the handler knows who asked', async ({ client, server, clientId, serverId }) => {
		const asked: NodeId[] = [];
		server.onCall(PROTOCOL, MAX_REQUEST, async (peer, request) => {
			asked.push(peer);
			return request.map((byte) => byte + 1);
		});
		assert.deepEqual([...(await client.call(serverId, PROTOCOL, bytes(1, 2), options))], [2, 3]);
		assert.deepEqual([...(await client.call(serverId, PROTOCOL, bytes(), options))], []);
		const answers = await Promise.all(
			Array.from({ length: 20 }, (_, index) => client.call(serverId, PROTOCOL, bytes(index), options)),
		);
		assert.deepEqual(
			answers.map(([byte]) => byte),
			answers.map((_, index) => index + 1),
		);
		assert.ok(asked.every((peer) => peer === clientId));
	});

	rule('a large answer arrives whole', async ({ client, server, serverId }) => {
		const large = new Uint8Array(options.maxResponseBytes).map((_, index) => index % 251);
		server.onCall(PROTOCOL, MAX_REQUEST, async () => large);
		assert.ok(Buffer.from(await client.call(serverId, PROTOCOL, bytes(), options)).equals(large));
	});

	rule('who is not there rejects stream-not-connected', async ({ client, absentId }) => {
		await assert.rejects(client.call(absentId, PROTOCOL, bytes(), options), code('stream-not-connected'));
		await assert.rejects(client.pull(absentId, PROTOCOL, bytes(), options), code('stream-not-connected'));
	});

	rule('an unknown protocol rejects stream-reset', async ({ client, serverId }) => {
		await assert.rejects(client.call(serverId, '/poster/unknown/1', bytes(), options), code('stream-reset'));
	});

	rule('a handler that rejects costs its stream and nothing else', async ({ client, server, serverId }) => {
		server.onCall(PROTOCOL, MAX_REQUEST, async (_, request) => {
			if (request[0] === 0) throw new PosterError('no-such-thing', 'not here');
			return request;
		});
		await assert.rejects(client.call(serverId, PROTOCOL, bytes(0), options), code('stream-reset'));
		assert.deepEqual([...(await client.call(serverId, PROTOCOL, bytes(7), options))], [7]);
	});

	rule('lengths are held on both sides', async ({ client, server, serverId }) => {
		server.onCall(PROTOCOL, MAX_REQUEST, async (_, request) => request);
		const exact = new Uint8Array(MAX_REQUEST);
		assert.equal(
			(await client.call(serverId, PROTOCOL, exact, { ...options, maxResponseBytes: MAX_REQUEST })).length,
			MAX_REQUEST,
		);
		await assert.rejects(
			client.call(serverId, PROTOCOL, exact, { ...options, maxResponseBytes: MAX_REQUEST - 1 }),
			code('stream-too-long'),
		);
		await assert.rejects(
			client.call(serverId, PROTOCOL, new Uint8Array(MAX_REQUEST + 1), options),
			code('stream-reset'),
		);
	});

	rule(
		'a slow answer rejects stream-timeout, and its handler is told to stop',
		async ({ client, server, serverId }) => {
			let began = 0;
			let stopped = 0;
			server.onCall(PROTOCOL, MAX_REQUEST, async (_, __, signal) => {
				began++;
				return untilAborted(signal).finally(() => stopped++);
			});
			await patiently('the question arrives', async (timeoutMs) => {
				await assert.rejects(
					client.call(serverId, PROTOCOL, bytes(), { ...options, timeoutMs }),
					code('stream-timeout'),
				);
				return began > 0;
			});
			await until('handler stopped', () => stopped === began);
		},
	);

	rule('a caller may give up', async ({ client, server, serverId }) => {
		let running = false;
		server.onCall(PROTOCOL, MAX_REQUEST, async (_, __, signal) => {
			running = true;
			return untilAborted(signal);
		});
		const abort = new AbortController();
		const call = client.call(serverId, PROTOCOL, bytes(), { ...options, signal: abort.signal });
		await until('handler runs', () => running);
		abort.abort();
		await assert.rejects(call, code('stream-aborted'));
		const never = client.call(serverId, PROTOCOL, bytes(), { ...options, signal: abort.signal });
		await assert.rejects(never, code('stream-aborted'));
	});
}

function pullRules(rule: Rule): void {
	rule('frames arrive whole and in order, then the end', async ({ client, server, serverId }) => {
		const sizes = [1, limits.bulkFrameBytes, 25_000, 2, limits.bulkFrameBytes - 1];
		server.onPull(PROTOCOL, MAX_REQUEST, async (_, request, writer) => {
			for (const size of sizes) await writer.write(new Uint8Array(size).fill((request[0] ?? 0) + (size % 7)));
		});
		const reader = await client.pull(serverId, PROTOCOL, bytes(9), options);
		const frames = await drain(reader);
		assert.deepEqual(
			frames.map(({ length }) => length),
			sizes,
		);
		assert.ok(frames.every((frame) => frame.every((byte) => byte === 9 + (frame.length % 7))));
		assert.equal(await reader.read(), undefined, 'the end stays the end');
	});

	rule('a pull of nothing ends', async ({ client, server, serverId }) => {
		server.onPull(PROTOCOL, MAX_REQUEST, async () => undefined);
		assert.deepEqual(await drain(await client.pull(serverId, PROTOCOL, bytes(), options)), []);
	});

	rule('a sender that fails in the middle never looks finished', async ({ client, server, serverId }) => {
		server.onPull(PROTOCOL, MAX_REQUEST, async (_, __, writer) => {
			await writer.write(bytes(1));
			throw new Error('disk gone');
		});
		const reader = await client.pull(serverId, PROTOCOL, bytes(), options);
		await assert.rejects(drain(reader), code('stream-reset'));
		await assert.rejects(reader.read(), code('stream-reset'));
	});

	rule('more bytes than asked for reject stream-too-long', async ({ client, server, serverId }) => {
		server.onPull(PROTOCOL, MAX_REQUEST, async (_, __, writer) => {
			for (let sent = 0; sent < 20; sent += 1) await writer.write(new Uint8Array(10));
		});
		const reader = await client.pull(serverId, PROTOCOL, bytes(), { ...options, maxResponseBytes: 100 });
		await assert.rejects(drain(reader), code('stream-too-long'));
	});

	rule('a sender that goes silent rejects stream-timeout', async ({ client, server, serverId }) => {
		server.onPull(PROTOCOL, MAX_REQUEST, async (_, __, writer, signal) => {
			await writer.write(bytes(1));
			return untilAborted(signal);
		});
		await patiently('the first frame arrives', async (timeoutMs) => {
			let frames = 0;
			const silence = async (): Promise<void> => {
				const reader = await client.pull(serverId, PROTOCOL, bytes(), { ...options, timeoutMs });
				for (; (await reader.read()) !== undefined; frames++);
			};
			await assert.rejects(silence(), code('stream-timeout'));
			return frames === 1;
		});
	});
}

function backpressureRules(rule: Rule): void {
	const frame = new Uint8Array(25_000);
	const total = 800;

	/** Writes `total` frames and keeps count. */
	const endless = (server: Streams): { written: number; failed: unknown } => {
		const progress = { written: 0, failed: undefined as unknown };
		server.onPull(PROTOCOL, MAX_REQUEST, async (_, __, writer) => {
			try {
				for (let sent = 0; sent < total; sent += 1) {
					await writer.write(frame);
					progress.written += 1;
				}
			} catch (error) {
				progress.failed = error;
				throw error;
			}
		});
		return progress;
	};

	/** Resolves when the writer stands still. */
	const settled = async (progress: { written: number }): Promise<void> => {
		let last = -1;
		let same = 0;
		await until('the writer stands still', () => {
			same = progress.written > 0 && progress.written === last ? same + 1 : 0;
			last = progress.written;
			return same >= 40;
		});
	};

	rule('a reader that pauses stops the sender, and resumes it', async ({ client, server, serverId }) => {
		const progress = endless(server);
		const reader = await client.pull(serverId, PROTOCOL, bytes(), { ...options, maxResponseBytes: total * 25_000 });
		await settled(progress);
		// Unread at the reader, its window, what the writer may queue: 20 MB would be sent without backpressure.
		assert.ok(progress.written * frame.length < 6 * limits.streamWindowBytes, `${progress.written} frames written`);
		for (let taken = 0; taken < 40; taken += 1) assert.equal((await reader.read())?.length, frame.length);
		await settled(progress);
		assert.ok(progress.written >= 40);
		assert.ok((progress.written - 40) * frame.length < 6 * limits.streamWindowBytes, 'stopped again');
		assert.equal((await drain(reader)).length, total - 40);
	});

	rule('a reader slower than the sender gets every frame', async ({ client, server, serverId }) => {
		endless(server);
		const reader = await client.pull(serverId, PROTOCOL, bytes(), { ...options, maxResponseBytes: total * 25_000 });
		let taken = 0;
		for (let next = await reader.read(); next !== undefined; next = await reader.read()) {
			taken += 1;
			// Stops and goes on after every few frames, over 80 windows in all.
			if (taken % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
		}
		assert.equal(taken, total);
	});

	rule('a reader that gives up ends the sender', async ({ client, server, serverId }) => {
		const progress = endless(server);
		const reader = await client.pull(serverId, PROTOCOL, bytes(), { ...options, maxResponseBytes: total * 25_000 });
		await settled(progress);
		reader.abort(new Error('enough'));
		await until('the sender ended', () => progress.failed !== undefined);
		await assert.rejects(reader.read(), code('stream-aborted'));
	});

	rule(
		'so many bulk streams of one peer are served at a time, and the others wait',
		async ({ client, server, serverId }) => {
			let running = 0;
			let most = 0;
			const gate = Promise.withResolvers<void>();
			server.onPull(PROTOCOL, MAX_REQUEST, async (_, request, writer) => {
				running += 1;
				most = Math.max(most, running);
				await gate.promise;
				await writer.write(request);
				running -= 1;
			});
			const count = limits.bulkStreamsPerPeer + 3;
			const readers = await Promise.all(
				Array.from({ length: count }, (_, index) => client.pull(serverId, PROTOCOL, bytes(index), options)),
			);
			const results = Promise.all(readers.map(drain));
			await until('slots full', () => running === limits.bulkStreamsPerPeer);
			gate.resolve();
			assert.deepEqual(
				(await results).map(([only]) => only?.[0]),
				readers.map((_, index) => index),
			);
			assert.equal(most, limits.bulkStreamsPerPeer);
		},
	);
}
