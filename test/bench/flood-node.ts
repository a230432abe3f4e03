/**
 * The victim of the flood benchmark, and the honest member that it works with: whole nodes, each in a process of its
 * own. The victim's work is to pull partitions of vanilla proofs from the honest one. Arguments: `victim` or `honest`,
 * the folder of its home, addresses to dial first.
 */
import '../../src/node/young-generation.ts';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type NodeId, nodeId } from '../../src/domain/ids.ts';
import { openHome } from '../../src/node/home.ts';
import { startServingNode } from '../support/serving-node.ts';
import { until } from '../support/until.ts';

const WORK_PROTOCOL = '/poster/bench/1';
/** As a partition of 2,349 vanilla proofs. */
const WORK_FRAMES = 2_349;
const WORK_FRAME_BYTES = 24_947;
const LOOK_MS = 10;

export type NodeCommand =
	| { readonly do: 'work'; readonly from: string; readonly rounds: number }
	| { readonly do: 'watch'; readonly flooder: string }
	| { readonly do: 'tell' };

export type NodeAnswer =
	| { readonly kind: 'ready'; readonly addresses: readonly string[] }
	/** Of each round. */
	| { readonly kind: 'worked'; readonly ms: readonly number[]; readonly cpuMs: readonly number[] }
	| { readonly kind: 'watching' }
	| { readonly kind: 'banned'; readonly wallMs: number; readonly reason: string }
	| { readonly kind: 'told'; readonly grownBytes: number; readonly loopMaxMs: number; readonly handshakes: number };

const [role = '', folder = '', ...bootstrap] = process.argv.slice(2);
const { net, addresses, metrics } = await startServingNode(await openHome(folder), bootstrap);
const tell = (answer: NodeAnswer): void => void process.send?.(answer);

if (role === 'honest') {
	const frame = Buffer.alloc(WORK_FRAME_BYTES, 'work');
	net.streams.onPull(WORK_PROTOCOL, 1, async (_, __, writer) => {
		for (let i = 0; i < WORK_FRAMES; i++) await writer.write(frame);
	});
}

async function work(from: NodeId): Promise<{ ms: number; cpuMs: number }> {
	await until('connected with the honest member', () => net.mesh.peers().includes(from));
	const started = performance.now();
	const used = process.cpuUsage();
	const maxResponseBytes = WORK_FRAMES * WORK_FRAME_BYTES;
	const reader = await net.streams.pull(from, WORK_PROTOCOL, Uint8Array.of(1), { timeoutMs: 60_000, maxResponseBytes });
	let bytes = 0;
	for (let frame = await reader.read(); frame !== undefined; frame = await reader.read()) bytes += frame.length;
	if (bytes !== maxResponseBytes) throw new Error(`${bytes} bytes came`);
	const { user, system } = process.cpuUsage(used);
	return { ms: performance.now() - started, cpuMs: (user + system) / 1000 };
}

const memory = { before: 0, peak: 0 };
const delay = monitorEventLoopDelay({ resolution: 1 });

function watch(flooder: NodeId): void {
	memory.before = process.memoryUsage.rss();
	memory.peak = memory.before;
	delay.reset();
	delay.enable();
	let banned = false;
	setInterval(() => {
		memory.peak = Math.max(memory.peak, process.memoryUsage.rss());
		const ban = net.mesh.bans().find(({ peer }) => peer === flooder);
		if (banned || ban === undefined || net.mesh.peers().includes(flooder)) return;
		banned = true;
		tell({ kind: 'banned', wallMs: Date.now(), reason: ban.reason });
	}, LOOK_MS);
	tell({ kind: 'watching' });
}

async function refusals(): Promise<number> {
	const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('poster_mesh_refused_total{'));
	return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

async function obey(command: NodeCommand): Promise<void> {
	if (command.do === 'work') {
		const rounds = [];
		for (let i = 0; i < command.rounds; i++) rounds.push(await work(nodeId(command.from)));
		tell({ kind: 'worked', ms: rounds.map(({ ms }) => ms), cpuMs: rounds.map(({ cpuMs }) => cpuMs) });
	} else if (command.do === 'watch') {
		watch(nodeId(command.flooder));
	} else {
		const grownBytes = memory.peak - memory.before;
		tell({ kind: 'told', grownBytes, loopMaxMs: delay.max / 1e6, handshakes: await refusals() });
	}
}

// A command that fails ends this process, and with it the run.
process.on('message', (command: NodeCommand) => void obey(command));
process.on('disconnect', () => process.exit(0));
tell({ kind: 'ready', addresses });
