/** `compute`: proves a deadline across the mesh now, and shows where the time goes. Sends nothing unless told to. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogUpdate } from 'log-update';
import type { ActorId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { ComputeState } from '../../node/control-api.ts';
import { makeWritableFolder, writeFileAtomic } from '../../node/files.ts';
import { type ControlClient, connectControl } from '../control-client.ts';
import { EXIT } from '../exit.ts';
import { printJson, printRemark, printText } from '../output.ts';
import { renderCompute } from '../render/compute.ts';

export interface ComputeOptions {
	readonly home: string;
	readonly deadline: number;
	readonly partition?: number;
	readonly miner?: ActorId;
	readonly submit?: boolean;
	readonly out?: string;
	readonly json?: boolean;
}

/** Without them the mesh would go on with a run that nobody waits for. */
const CANCELLING = ['SIGINT', 'SIGTERM'] as const;

export async function compute(options: ComputeOptions): Promise<void> {
	const node = await connectControl(options.home);
	if (options.out !== undefined) await makeWritableFolder(options.out);
	const state = await run(node, options);
	const files = options.out === undefined ? [] : await saveProofs(state, options.out);
	if (options.json) printJson({ ...state, files });
	else printText([renderCompute(state), ...files.map((file) => `Saved ${file}`)].join('\n'));
	if (state.state !== 'done' && state.state !== 'empty') process.exitCode = EXIT.failed;
}

/** Signals are heeded before the node is asked: there is no moment at which one would leave the run behind. */
async function run(node: ControlClient, options: ComputeOptions): Promise<ComputeState> {
	const { deadline, partition, miner, submit = false } = options;
	let cancelled = false;
	const cancel = (): void => {
		cancelled = true;
	};
	for (const signal of CANCELLING) process.once(signal, cancel);
	try {
		const { id } = await node.post<{ id: string }>('/compute', { deadline, partition, miner, submit });
		const show = options.json ? () => undefined : progressTable();
		for (;;) {
			const state = await node.get<ComputeState>(`/compute/${id}`);
			if (state.state !== 'running') return state;
			show(state);
			if (cancelled) await node.delete(`/compute/${id}`);
			await sleep(limits.watchMs);
		}
	} finally {
		for (const signal of CANCELLING) process.off(signal, cancel);
	}
}

/** Progress goes to stderr, so that stdout holds the outcome alone; without a terminal there is none. */
function progressTable(): (state: ComputeState) => void {
	if (!process.stderr.isTTY) {
		printRemark('Proving; ctrl-c ends the run.');
		return () => undefined;
	}
	const update = createLogUpdate(process.stderr);
	return (state) => update(renderCompute(state, process.stderr.columns));
}

/** One JSON file per proven partition, with all that a verifier needs. */
async function saveProofs(state: ComputeState, folder: string): Promise<string[]> {
	const { miner, deadline, randomness, proofType } = state;
	const files: string[] = [];
	for (const { partition, proof, skipped } of state.partitions) {
		if (proof === null) continue;
		const file = join(folder, `${miner}-deadline-${deadline}-partition-${partition}.json`);
		const content = { miner, deadline, partition, randomness, proofType, skipped, proof };
		await writeFileAtomic(file, `${JSON.stringify(content, null, '\t')}\n`, 0o644);
		files.push(file);
	}
	return files;
}
