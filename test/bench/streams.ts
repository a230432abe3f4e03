/**
 * `npm run bench:streams`: one partition of vanilla proofs (58.6 MB in frames of 24,947 bytes) from one process to
 * another, over Streams.pull and over a plain node http stream, in turns. Prints the ratio, the memory that a paused
 * reader costs both processes, and the delay of the receiving event loop.
 */
import '../../src/node/young-generation.ts';
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { get } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { BulkReader } from '../../src/ports/streams.ts';
import { until } from '../support/until.ts';
import { benchGather } from './gather.ts';

export const BULK_PROTOCOL = '/poster/bench/1';
export const FRAMES = 2_349;
export const FRAME_BYTES = 24_947;
/** Different frames in the sender's memory: it has nothing else to do than send. */
export const FRAME_KINDS = 16;
const TOTAL_BYTES = FRAMES * FRAME_BYTES;
const REPETITIONS = 7;
const MB = 1e6;

export type ServerMessage =
	| { readonly kind: 'ready'; readonly addresses: readonly string[]; readonly port: number }
	| { readonly kind: 'rss'; readonly bytes: number };

/** Called with each frame of a pull, as a gatherer would check it. */
export type FrameHook = (frame: Uint8Array) => void;

/** Nanoseconds. */
interface LoopDelay {
	readonly p50: number;
	readonly p99: number;
	readonly max: number;
}

async function main(check: FrameHook): Promise<void> {
	const { createNode, idOf } = await import('../support/libp2p-nodes.ts');
	const client = await createNode(1, { dht: false });
	const serverId = await idOf(2);
	const child = fork(new URL('streams-server.ts', import.meta.url), [client.id]);
	try {
		const ready = await message(child, 'ready');
		await client.start();
		client.mesh.setMembers([{ id: serverId, addresses: ready.addresses }]);
		await until('connected', () => client.mesh.peers().length === 1);
		const open = () =>
			client.streams.pull(serverId, BULK_PROTOCOL, Uint8Array.of(1), {
				timeoutMs: 30_000,
				maxResponseBytes: TOTAL_BYTES,
			});
		const pull = async (): Promise<number> => {
			const reader = await open();
			let bytes = 0;
			for (let frame = await reader.read(); frame !== undefined; frame = await reader.read()) {
				check(frame);
				bytes += frame.byteLength;
			}
			return bytes;
		};

		// First, while no transfer has grown anything yet.
		await paused(child, open);
		// Both paths once before anything is measured: code is compiled, windows and sockets are open.
		await pull();
		await overHttp(ready.port);
		const pulls: number[] = [];
		const https: number[] = [];
		const delays: LoopDelay[] = [];
		const cpuSeconds: number[] = [];
		for (let round = 0; round < REPETITIONS; round += 1) {
			// One monitor for each round: a monitor that is enabled again counts the time between as a delay.
			const delay = monitorEventLoopDelay({ resolution: 1 });
			delay.enable();
			const cpu = process.cpuUsage();
			pulls.push(await megabytesPerSecond(pull));
			const { user, system } = process.cpuUsage(cpu);
			cpuSeconds.push((user + system) / 1e6 / (TOTAL_BYTES / 1e9));
			delay.disable();
			delays.push({ p50: delay.percentile(50), p99: delay.percentile(99), max: delay.max });
			https.push(await megabytesPerSecond(() => overHttp(ready.port)));
		}
		report('Streams.pull', pulls);
		report('plain http', https);
		console.log(
			`ratio of the medians        ${((100 * median(pulls)) / median(https)).toFixed(0)} %   (target >= 15 %)`,
		);
		const [p50, p99, max] = (['p50', 'p99', 'max'] as const).map((key) =>
			ms(median(delays.map((delay) => delay[key]))),
		);
		console.log(`CPU of the receiver         ${median(cpuSeconds).toFixed(1)} s for each GB pulled`);
		console.log(`event loop delay, pulling   p50 ${p50}, p99 ${p99}, max ${max}   (medians; target p99 <= 20 ms)`);

		const gather = await benchGather(client, serverId);
		console.log(
			`with the structural check   ${gather.structuralMbps.toFixed(0)} MB/s, ${((100 * gather.structuralMbps) / median(https)).toFixed(0)} % of plain http   (target >= 15 %)`,
		);
		console.log(
			`event loop delay, gathering p50 ${gather.delayP50Ms.toFixed(1)} ms, p99 ${gather.delayP99Ms.toFixed(1)} ms, max ${gather.delayMaxMs.toFixed(1)} ms; with the Merkle check p99 ${gather.fullDelayP99Ms.toFixed(1)} ms   (target p99 <= 20 ms)`,
		);
		console.log(
			`a 32 GiB partition          ${gather.partitionSeconds.toFixed(1)} s gathered, checked in full and spooled; memory growth ${gather.grownMb.toFixed(0)} MB`,
		);
		console.log(`Merkle check                ${gather.checkedPerSecondPerCore.toFixed(0)} sectors/s per core`);
	} finally {
		child.disconnect();
		await client.stop();
	}
}

/** Memory of both processes while a whole partition is asked for and the reader stands still after ten frames. */
async function paused(child: ChildProcess, open: () => Promise<BulkReader>): Promise<void> {
	const memory = async (): Promise<number[]> => [process.memoryUsage.rss(), await rss(child)];
	const before = await memory();
	const reader = await open();
	for (let taken = 0; taken < 10; taken += 1) await reader.read();
	let peak = before;
	const settled = performance.now() + 2_000;
	await until('two seconds of pause', async () => {
		const now = await memory();
		peak = peak.map((value, index) => Math.max(value, now[index] ?? 0));
		return performance.now() > settled;
	});
	reader.abort(new Error('measured'));
	const grown = peak.map((value, index) => ((value - (before[index] ?? 0)) / MB).toFixed(1));
	console.log(`memory growth, paused       receiver ${grown[0]} MB, sender ${grown[1]} MB   (target <= 100 MB)`);
}

async function overHttp(port: number): Promise<number> {
	const { promise, resolve, reject } = Promise.withResolvers<number>();
	const request = get({ port, host: '127.0.0.1', agent: false }, (response) => {
		let bytes = 0;
		response.on('data', (chunk: Buffer) => {
			bytes += chunk.byteLength;
		});
		response.on('end', () => resolve(bytes));
		response.on('error', reject);
	});
	request.on('error', reject);
	return promise;
}

async function megabytesPerSecond(run: () => Promise<number>): Promise<number> {
	const started = performance.now();
	const bytes = await run();
	if (bytes !== TOTAL_BYTES) throw new Error(`${bytes} bytes instead of ${TOTAL_BYTES}`);
	return bytes / MB / ((performance.now() - started) / 1000);
}

function report(name: string, values: readonly number[]): void {
	const each = values.map((value) => value.toFixed(0)).join(' ');
	console.log(`${name.padEnd(27)} ${median(values).toFixed(0)} MB/s median of ${values.length}   (${each})`);
}

function median(values: readonly number[]): number {
	return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function ms(nanoseconds: number): string {
	return `${(nanoseconds / 1e6).toFixed(1)} ms`;
}

async function rss(child: ChildProcess): Promise<number> {
	const answer = message(child, 'rss');
	child.send('rss');
	return (await answer).bytes;
}

async function message<K extends ServerMessage['kind']>(
	child: ChildProcess,
	kind: K,
): Promise<Extract<ServerMessage, { kind: K }>> {
	const { promise, resolve, reject } = Promise.withResolvers<Extract<ServerMessage, { kind: K }>>();
	const onMessage = (value: unknown): void => {
		const found = value as ServerMessage;
		if (found.kind === kind) resolve(found as Extract<ServerMessage, { kind: K }>);
	};
	const onExit = (): void => reject(new Error('the sending process ended'));
	child.on('message', onMessage);
	child.on('exit', onExit);
	try {
		return await promise;
	} finally {
		child.off('message', onMessage);
		child.off('exit', onExit);
	}
}

if (import.meta.main) {
	let checked = 0;
	await main((frame) => {
		if (frame.byteLength !== FRAME_BYTES) throw new Error('frame of another length');
		checked += 1;
	});
	console.log(`frames checked              ${checked}`);
}
