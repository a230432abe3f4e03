/** `bench prove`: what this machine takes for a partition, measured on the provers that the node would use. */
import { join, resolve } from 'node:path';
import { type SelfTested, selfTest } from '../../adapters/native/self-test.ts';
import { createClock } from '../../adapters/observe/clock.ts';
import { createLog, type NodeLog } from '../../adapters/observe/log.ts';
import { circuitName, type SectorSizeName, WINDOW_TYPES, WINNING_TYPES } from '../../domain/parameters.ts';
import type { PoStProofType } from '../../domain/proof.ts';
import { type BenchResult, benchProve, keepBench } from '../../node/bench-prove.ts';
import { type Config, loadConfig, parseConfig } from '../../node/config.ts';
import { homePaths, isHome, openHome } from '../../node/home.ts';
import { lockHome } from '../../node/lock.ts';
import { gpuCommand } from '../../node/native-command.ts';
import { readProofKeys, readWinningTypes } from '../../node/proof-keys.ts';
import { decodedFolder, keyArguments, startWorkers } from '../../node/workers.ts';
import type { Clock } from '../../ports/clock.ts';
import { untilEnd } from '../end-signals.ts';
import { usageError } from '../exit.ts';
import { nativeWorker } from '../native-worker.ts';
import { printJson, printText } from '../output.ts';
import { openLine } from '../progress-line.ts';
import { renderBench, renderBenchStep, renderSelfTest } from '../render/bench.ts';
import { openScratch } from '../scratch.ts';

const STDERR = 2;

export interface BenchProveOptions {
	readonly home: string;
	readonly config?: string;
	readonly params?: string;
	readonly testParameters?: string;
	readonly size?: readonly SectorSizeName[];
	readonly repeat: number;
	/** False with --no-keep. */
	readonly keep: boolean;
	/** Compare our prover with the library's first, so that the engine `auto` uses it. */
	readonly selfTest?: boolean;
	readonly json?: boolean;
}

interface Measured {
	readonly selfTests: readonly SelfTested[];
	readonly results: readonly BenchResult[];
}

export async function benchProveCommand(options: BenchProveOptions): Promise<void> {
	const clock = createClock();
	const log = createLog({ level: 'error', base: {}, destination: STDERR });
	const home = (await isHome(options.home)) ? await openHome(options.home) : undefined;
	const keeps = home !== undefined && options.keep;
	// A node that runs would be measured as well, and holds the store.
	if (keeps) await (await lockHome(home.paths.lock)).release();
	await untilEnd(async (signal) => {
		const config = await configOf(options, home !== undefined);
		const { selfTests, results } = await measure(config, options, { clock, log, signal, decoded: home?.paths.decoded });
		if (keeps) await keepBench(home, results, log);
		if (options.json) printJson({ kept: keeps, selfTests, results: results.map(withoutSamples) });
		else {
			const tables = [...selfTests.map(renderSelfTest), ...results.map(renderBench)];
			printText([...tables, kept(keeps, options.home)].join('\n\n'));
		}
	});
	log.flush();
}

/** The percentiles tell as much. */
function withoutSamples(result: BenchResult): object {
	return { ...result, samples: undefined };
}

interface MeasureParts {
	readonly clock: Clock;
	readonly log: NodeLog;
	readonly signal: AbortSignal;
	/** Of the home; without one what is decoded goes with the rest. */
	readonly decoded: string | undefined;
}

async function measure(
	config: Config,
	{ size, repeat, selfTest: wantsTest = false }: BenchProveOptions,
	{ clock, log, signal, decoded }: MeasureParts,
): Promise<Measured> {
	const command = config.native.worker ?? [await nativeWorker(signal)];
	const scratch = await openScratch('poster-bench-prove-');
	const line = openLine(process.stderr);
	try {
		const folders = { scratch: join(scratch.path, 'workers'), decoded: decoded ?? join(scratch.path, 'decoded') };
		const commands = { command, gpuCommand: await gpuCommand(config, log, signal) };
		const workers = startWorkers({ clock, log }, { config, ...commands, ...folders });
		try {
			const { proofTypes: all, slotFilters } = await readProofKeys(config, workers.verifier);
			const proofTypes = chosen(all, size);
			await workers.requireProvers();
			const selfTests: SelfTested[] = [];
			const winning = config.winning && (await readWinningTypes(config, workers.verifier)).provable;
			const tested = [...proofTypes, ...ofSizes(winning ?? [], size)];
			for (const proofType of wantsTest ? tested : []) {
				line.show(`self-test ${proofType}`, `${circuitName(proofType)}: comparing our prover with the library's`, 0);
				const folder = decodedFolder({ config, ...folders });
				selfTests.push(await selfTest(command, keyArguments(config), folder, proofType, signal));
			}
			const results = await benchProve(clock, {
				workers,
				proofTypes,
				slotFilters,
				repetitions: repeat,
				tell: (step) => line.show(`${step.slot} ${step.proof} ${step.repetition}`, renderBenchStep(step), 0),
				signal,
			});
			return { selfTests, results };
		} finally {
			await workers.close();
		}
	} finally {
		line.done();
		await scratch.remove();
	}
}

/** Of the home or of --config, else one CPU slot; the folders on the command line count before both. */
async function configOf(options: BenchProveOptions, hasHome: boolean): Promise<Config> {
	const file = options.config ?? (hasHome ? homePaths(options.home).config : undefined);
	const config = file === undefined ? parseConfig('[prover]', 'config.toml') : await loadConfig(file);
	if (config.prover === undefined) {
		throw usageError(
			'this node has no [prover] section',
			'Name another --home or --config, or none to measure one CPU slot.',
		);
	}
	const { params, testParameters } = options;
	if (params === undefined && testParameters === undefined) return config;
	const { testParameters: _, ...proofs } = config.proofs;
	return {
		...config,
		proofs: {
			...proofs,
			...(params !== undefined && { params: resolve(params) }),
			...(testParameters !== undefined && { testParameters: resolve(testParameters) }),
		},
	};
}

function ofSizes(
	types: readonly PoStProofType[],
	sizes: readonly SectorSizeName[] | undefined,
): readonly PoStProofType[] {
	const wanted = sizes?.flatMap((name) => [WINDOW_TYPES[`window-${name}`], WINNING_TYPES[`winning-${name}`]]);
	return wanted === undefined ? types : types.filter((type) => wanted.includes(type));
}

function chosen(
	types: readonly PoStProofType[],
	size: readonly SectorSizeName[] | undefined,
): readonly PoStProofType[] {
	const found = ofSizes(types, size);
	if (found.length > 0) return found;
	throw usageError(
		'there are no parameters of that size here',
		'See `poster-node params fetch` and `params generate-test`.',
	);
}

function kept(keeps: boolean, home: string): string {
	return keeps ? `Kept as the estimate of the node of ${home}.` : 'Not kept: there is no node here, or --no-keep.';
}
