/**
 * An executable in the place of `poster-native prove`: waits for a drawn time, then hands out a proof that was made
 * beforehand. What was not made beforehand is proven by the real worker, whose command line follows the options, and kept.
 *
 *     node fake-prover.ts --proofs DIR --seed TEXT --median-ms N [--straggler-permille N] -- WORKER prove …
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { FrameDecoder, type FrameHeader, frameHead, type NativeFrame } from '../../src/adapters/native/frame.ts';
import { keep, proofName } from './proofs-cache.ts';

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		proofs: { type: 'string' },
		seed: { type: 'string' },
		'median-ms': { type: 'string' },
		'straggler-permille': { type: 'string', default: '0' },
	},
});
const folder = values.proofs ?? '';
const medianMs = Number(values['median-ms']);
const [worker = '', ...workerArgs] = positionals;

/** Spread of proving times: 95 % lie within a factor of 1.8 of the median. */
const SIGMA = 0.3;
const STRAGGLER_FACTOR = 3;
const NO_BODY = new Uint8Array(0);
/** How the stock prover spends its time, in permille. */
const PHASES = { read: 10, params: 10, circuit: 80, synthesis: 600, prove: 300 } as const;
/** The job in the works, and those that wait. */
const queue: NativeFrame[] = [];
let busy = false;

function say(header: FrameHeader, body: Uint8Array = NO_BODY): void {
	process.stdout.write(Buffer.concat([frameHead(header, body.length), body]));
}

/** The same for the same seed and statement, whenever and wherever it is proven. */
function drawnMs(name: string): number {
	const digest = createHash('sha256').update(`${values.seed}/${name}`).digest();
	const uniform = (at: number): number => (digest.readUInt32LE(at) + 1) / (2 ** 32 + 1);
	const normal = Math.sqrt(-2 * Math.log(uniform(0))) * Math.cos(2 * Math.PI * uniform(4));
	const straggles = digest.readUInt32LE(8) % 1000 < Number(values['straggler-permille']);
	return Math.round(medianMs * Math.exp(SIGMA * normal) * (straggles ? STRAGGLER_FACTOR : 1));
}

async function prove({ header, body }: NativeFrame): Promise<void> {
	const { job, proofType, minerId, randomness } = header;
	const name = proofName(Number(proofType), Number(minerId), String(randomness), body);
	const path = join(folder, name);
	if (!existsSync(path)) return proveForReal({ header, body }, path);
	const ms = drawnMs(name);
	const phases: Record<string, number> = {};
	for (const [phase, permille] of Object.entries(PHASES)) {
		say({ type: 'phase', job, phase, state: 'start' });
		const phaseMs = Math.round((ms * permille) / 1000);
		await sleep(phaseMs);
		phases[phase] = phaseMs;
		say({ type: 'phase', job, phase, state: 'end', ms: phaseMs });
	}
	say({ type: 'proof', job, proofType, phases, ms, peakRssMb: null }, readFileSync(path));
}

async function proveForReal({ header, body }: NativeFrame, path: string): Promise<void> {
	const child: ChildProcessByStdio<Writable, Readable, null> = spawn(worker, workerArgs, {
		stdio: ['pipe', 'pipe', 'inherit'],
	});
	child.stdin.write(Buffer.concat([frameHead(header, body.length), body]));
	const decoder = new FrameDecoder();
	for await (const chunk of child.stdout) {
		for (const frame of decoder.push(chunk as Buffer)) {
			if (frame.header['type'] === 'ready') continue;
			if (frame.header['type'] === 'proof') await keep(path, frame.body);
			say(frame.header, frame.body);
			if (frame.header['type'] === 'proof' || frame.header['type'] === 'failed') child.stdin.end();
		}
	}
}

async function work(): Promise<void> {
	if (busy) return;
	busy = true;
	for (let frame = queue[0]; frame !== undefined; frame = queue[0]) {
		await prove(frame);
		queue.shift();
	}
	busy = false;
}

function take(frame: NativeFrame): void {
	const { type, job } = frame.header;
	if (type === 'prove') {
		// The body may be a view of a chunk that is read over.
		queue.push({ header: frame.header, body: Uint8Array.from(frame.body) });
		void work();
		return;
	}
	if (type !== 'cancel') throw new Error(`a "${String(type)}" frame`);
	const at = queue.findIndex(({ header }) => header['job'] === job);
	say({ type: 'cancelled', job, exits: at === 0 });
	if (at === 0) process.exit(0);
	if (at > 0) queue.splice(at, 1);
}

say({
	type: 'ready',
	mode: 'prove',
	version: '0.1.0',
	crates: {},
	threads: 1,
	pid: process.pid,
	engine: 'chaos',
	testParams: true,
	gpus: [],
});
const decoder = new FrameDecoder();
process.stdin.on('data', (chunk: Buffer) => {
	for (const frame of decoder.push(chunk)) take(frame);
});
process.stdin.on('end', () => process.exit(0));
