/**
 * `npm run bench:recorder -- [--minutes M] [--members N] [--partitions P]`: what the flight recorder of one prover costs.
 * Its core hears an ordinary life of a mesh in virtual time, in turns with and without a recorder that writes to a real
 * folder. Prints one JSON object: bytes of an hour, and CPU milliseconds of an hour of the core alone and of recording.
 */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createState, step } from '../../src/core/poster.ts';
import { BusyMesh } from '../support/busy-mesh.ts';
import { RecordedCore } from '../support/recording.ts';

const { values } = parseArgs({
	options: {
		minutes: { type: 'string', default: '20' },
		members: { type: 'string', default: '50' },
		partitions: { type: 'string', default: '300' },
		turns: { type: 'string', default: '5' },
	},
});
const [minutes, members, partitions, turns] = [values.minutes, values.members, values.partitions, values.turns].map(
	Number,
) as [number, number, number, number];
const HOUR_MINUTES = 60;
const busy = { partitions, members };

function cpuMs(since?: NodeJS.CpuUsage): number {
	const { user, system } = process.cpuUsage(since);
	return (user + system) / 1_000;
}

/** CPU milliseconds of a life after its beginning. */
function stepped(): number {
	const mesh = new BusyMesh(busy);
	const state = createState(mesh.config, []);
	for (const { event, now } of mesh.beginning()) step(state, event, now);
	const since = process.cpuUsage();
	for (const { event, now } of mesh.life(minutes * 60)) step(state, event, now);
	return cpuMs(since);
}

async function recorded(): Promise<{ readonly cpu: number; readonly bytes: number }> {
	const folder = await mkdtemp(join(tmpdir(), 'poster-bench-recorder-'));
	try {
		const core = new RecordedCore(folder, { mesh: new BusyMesh(busy) });
		await core.live(core.mesh.beginning());
		const before = await written(folder);
		const since = process.cpuUsage();
		await core.live(core.mesh.life(minutes * 60));
		await core.recorder.close();
		const cpu = cpuMs(since);
		return { cpu, bytes: (await written(folder)) - before };
	} finally {
		await rm(folder, { recursive: true });
	}
}

async function written(folder: string): Promise<number> {
	const names = await readdir(folder);
	const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
	return sizes.reduce((sum, size) => sum + size, 0);
}

const median = (of: readonly number[]): number => [...of].sort((a, b) => a - b)[of.length >> 1] ?? 0;
const alone: number[] = [];
const extra: number[] = [];
const bytes: number[] = [];
for (let turn = 0; turn < turns; turn++) {
	const without = stepped();
	const { cpu, bytes: size } = await recorded();
	alone.push(without);
	extra.push(cpu - without);
	bytes.push(size);
}
const hours = minutes / HOUR_MINUTES;
console.log(
	JSON.stringify({
		...busy,
		minutes,
		turns,
		mbPerHour: Number((median(bytes) / hours / 1e6).toFixed(1)),
		coreCpuMsPerHour: Math.round(median(alone) / hours),
		recorderCpuMsPerHour: Math.round(median(extra) / hours),
		/** Of one core of the machine, in millionths. */
		recorderCpuPpm: Math.round((median(extra) / hours / 3_600_000) * 1e6),
	}),
);
