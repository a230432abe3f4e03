/** The native children of one node: which modes run, with which arguments, in whose scratch folder. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { NativeChecker } from '../adapters/native/checker.ts';
import { GpuSlot } from '../adapters/native/gpu-slot.ts';
import { NativeChild, type NativeComponents } from '../adapters/native/native-child.ts';
import { NativeProverSlot } from '../adapters/native/prover.ts';
import { makeSample } from '../adapters/native/sample.ts';
import { NativeVanillaSource } from '../adapters/native/vanilla-source.ts';
import { NativeVerifier } from '../adapters/native/verifier.ts';
import { isPosterError, PosterError } from '../domain/errors.ts';
import type { PoStProofType } from '../domain/proof.ts';
import type { ProofJob, ProverSlot } from '../ports/prover.ts';
import type { VanillaChecker, VanillaSource } from '../ports/vanilla.ts';
import type { Verifier } from '../ports/verifier.ts';
import type { Config, ExternalProverConfig, ProverSlotConfig } from './config.ts';
import { externalSlots, type OpenChild } from './external-provers.ts';

export interface Workers {
	readonly verifier: Verifier;
	/** Empty without the prover role. */
	readonly slots: readonly ProverSlot[];
	/** What window proofs of this machine's processors run in: they stand still for a block. */
	readonly pausable: readonly ProverSlot[];
	/** Makes winning proofs, a process of its own; undefined without [prover] and [winning]. */
	readonly winning: ProverSlot | undefined;
	/** The job that slots are measured with; its spool is the caller's. Rejects `sample-failed`. */
	readonly sample: (proofType: PoStProofType, signal: AbortSignal) => Promise<ProofJob>;
	/** Undefined without what takes sectors from others: prover, submitter, winning PoSt. Starts with its first use. */
	readonly checker: VanillaChecker | undefined;
	/** Undefined without the storage role. */
	readonly source: VanillaSource | undefined;
	/**
	 * Rejects `native-refused` when the native worker does not know what this version starts its provers with: they would
	 * be restarted for ever. Rejects `prover-no-gpu` when a slot is said to be a GPU and its worker proves on the CPU: it
	 * would prove so slowly that deadlines are missed. A slot with a program of its own is that program's matter.
	 */
	requireProvers(): Promise<void>;
	close(): Promise<void>;
}

type Command = readonly [string, ...string[]];

export interface WorkersOptions {
	readonly config: Config;
	/** The native worker without its mode. */
	readonly command: readonly string[];
	/** The same for GPU slots. @default command */
	readonly gpuCommand?: readonly string[] | undefined;
	/** Folder for working directories and TMPDIRs, emptied at each start of a child. */
	readonly scratch: string;
	/** Folder of our own prover, unless the config names another. */
	readonly decoded: string;
}

export function startWorkers(components: NativeComponents, options: WorkersOptions): Workers {
	const { config, command, gpuCommand = command, scratch } = options;
	const { proofs, native, storage, prover, submitter, winning } = config;
	const open: OpenChild = (name, line, { cpus, nice, ...options }) =>
		new NativeChild(
			{ ...components, log: components.log.child({ worker: name }) },
			{
				...options,
				command: bound(line, cpus),
				env: { ...process.env, ...options.env },
				scratch: join(scratch, name),
				nice: nice ?? native.nice,
			},
		);
	const child = (name: string, line: readonly string[], place: Place = {}): NativeChild =>
		open(name, line as Command, { env: {}, ...place });
	const keys = keyArguments(config);
	const engine = ['--engine', proofs.engine, '--own-dir', decodedFolder(options)];
	const { clock } = components;

	const verifier = new NativeVerifier(child('verify', [...command, 'verify', ...keys]));
	const own = (prover?.slots ?? []).map((slot, index, all) => {
		const name = slotName(slot, index);
		const { cpus, nice } = slot;
		const threads = slot.threads ?? coresOf(cpus) ?? Math.max(1, Math.floor(availableParallelism() / all.length));
		// Our own prover is for CPUs.
		const program = slot.kind === 'gpu' ? [...gpuCommand, 'prove', '--gpu'] : [...command, 'prove', ...engine];
		const line = slot.worker ?? [...program, ...keys, '--threads', String(threads)];
		const place = { env: deviceEnv(slot), cpus, nice, tmpDir: slot.lockDir };
		return new NativeProverSlot(name, child(`prove-${index}`, line, place), clock);
	});
	const external = (prover?.external ?? []).map((entry, index) =>
		externalSlots(entry, index, storage?.paths ?? [], open, clock),
	);
	const guarded = own.map((slot, index) =>
		prover?.slots[index]?.kind === 'gpu' ? new GpuSlot(slot, clock, components.log) : slot,
	);
	const slots = byWeight(guarded, external, prover?.external ?? []);
	const openWinning = (): NativeProverSlot => {
		const line = winning?.worker ?? [...command, 'prove', ...keys, ...engine];
		return new NativeProverSlot('winning', child('prove-winning', line), clock);
	};
	const pausable = own.filter((_, index) => isPausable(prover?.slots[index]));
	const winningSlot = prover && winning && openWinning();
	const requireProvers = async (): Promise<void> => {
		const wants = own.map((slot, index) => ({ slot, config: prover?.slots[index] }));
		const required = wants.flatMap(({ slot, config: is }) => {
			if (is?.worker !== undefined) return [];
			return is?.kind === 'gpu' ? requireGpu(slot) : requireStart(slot);
		});
		if (winningSlot !== undefined && winning?.worker === undefined) required.push(requireStart(winningSlot));
		await Promise.all(required);
	};
	const checks = prover !== undefined || submitter !== undefined || winning !== undefined;
	const checker = checks ? new NativeChecker(child('check', [...command, 'check']), clock) : undefined;
	const source =
		storage && new NativeVanillaSource(child('vanilla', storage.worker ?? vanillaLine(command, storage)), clock);
	const close = async (): Promise<void> => {
		await Promise.all([verifier, ...slots, winningSlot, checker, source].map(async (worker) => worker?.close()));
	};
	return {
		verifier,
		slots,
		pausable,
		winning: winningSlot,
		sample: (proofType, signal) => makeSample(command, join(scratch, 'sample'), proofType, signal),
		checker,
		source,
		requireProvers,
		close,
	};
}

/** What the native worker is told of parameters and keys. */
export function keyArguments({ proofs: { params, testParameters } }: Pick<Config, 'proofs'>): readonly string[] {
	return testParameters === undefined ? ['--params', params] : ['--params', testParameters, '--test-params'];
}

/** Where our own prover has its decoded parameters and the records of its self-tests. */
export function decodedFolder({ config, decoded }: Pick<WorkersOptions, 'config' | 'decoded'>): string {
	return config.proofs.decoded ?? decoded;
}

interface Place {
	readonly env?: Readonly<Record<string, string>>;
	readonly cpus?: string | undefined;
	readonly nice?: number | undefined;
	readonly tmpDir?: string | undefined;
}

/**
 * A program of somebody else, or one that uses a GPU, is not in the way of a block on the processors. Only Linux ends a
 * process that stands still when the node dies.
 */
function isPausable(slot: ProverSlotConfig | undefined): boolean {
	return process.platform === 'linux' && slot !== undefined && slot.kind === 'cpu' && slot.worker === undefined;
}

/** `taskset` becomes the command itself, so that its process id is the worker's. */
function bound(line: Command, cpus: string | undefined): Command {
	return cpus === undefined ? line : ['taskset', '-c', cpus, ...line];
}

/** How many cores a list such as `0-7,16` names. */
export function coresOf(cpus: string | undefined): number | undefined {
	if (cpus === undefined) return undefined;
	const cores = new Set<number>();
	for (const range of cpus.split(',')) {
		const [first = 0, last = first] = range.split('-').map(Number);
		for (let core = first; core <= last; core++) cores.add(core);
	}
	return Math.max(1, cores.size);
}

/** What ends it in another way may be over in a moment: it is started again. */
async function requireStart(slot: NativeProverSlot): Promise<void> {
	try {
		await slot.gpus();
	} catch (error) {
		if (!isPosterError(error) || error.code === 'native-refused') throw error;
	}
}

async function requireGpu(slot: NativeProverSlot): Promise<void> {
	if ((await slot.gpus()).length > 0) return;
	throw new PosterError(
		'prover-no-gpu',
		`the slot ${slot.name} is a GPU, and its native worker would prove on the CPU`,
		{
			advice:
				'The driver shows it no device, or it is built without GPU support: see nvidia-smi, `device` of the slot and [native] gpu_worker, or use CPU slots.',
			meta: { slot: slot.name },
		},
	);
}

function vanillaLine(
	command: readonly string[],
	{ paths, threads }: NonNullable<Config['storage']>,
): readonly string[] {
	const folders = paths.flatMap((path) => ['--storage', path]);
	return [...command, 'vanilla', ...folders, ...(threads === undefined ? [] : ['--threads', String(threads)])];
}

/** Own slots weigh 1; of equal weights they go first. The core takes free slots in this order. */
function byWeight(
	own: readonly ProverSlot[],
	external: readonly (readonly ProverSlot[])[],
	entries: readonly ExternalProverConfig[],
): readonly ProverSlot[] {
	const weighed = [
		...own.map((slot) => ({ slot, weight: 1 })),
		...external.flatMap((slots, index) => slots.map((slot) => ({ slot, weight: entries[index]?.weight ?? 1 }))),
	];
	return weighed.sort((a, b) => b.weight - a.weight).map(({ slot }) => slot);
}

export function slotName({ kind, device }: ProverSlotConfig, index: number): string {
	return device === undefined ? `${kind}-${index}` : `${kind}-${index}-device-${device}`;
}

/** One process sees one device: the driver hides the others from it. */
function deviceEnv({ kind, device }: ProverSlotConfig): Record<string, string> {
	if (kind === 'cpu') return { BELLMAN_NO_GPU: '1' };
	// In the order that nvidia-smi shows; the driver's own puts the fastest first.
	return { CUDA_DEVICE_ORDER: 'PCI_BUS_ID', ...(device !== undefined && { CUDA_VISIBLE_DEVICES: String(device) }) };
}
