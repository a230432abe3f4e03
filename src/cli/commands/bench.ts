/** `bench prove`: what this machine takes for a partition, measured on the provers that the node would use. */
import { join, resolve } from 'node:path';
import { createClock } from '../../adapters/observe/clock.ts';
import { createLog, type NodeLog } from '../../adapters/observe/log.ts';
import { type SectorSizeName, WINDOW_TYPES } from '../../domain/parameters.ts';
import type { PoStProofType } from '../../domain/proof.ts';
import { type BenchResult, benchProve, keepBench } from '../../node/bench-prove.ts';
import { type Config, loadConfig, parseConfig } from '../../node/config.ts';
import { homePaths, isHome, openHome } from '../../node/home.ts';
import { lockHome } from '../../node/lock.ts';
import { readProofKeys } from '../../node/proof-keys.ts';
import { startWorkers } from '../../node/workers.ts';
import type { Clock } from '../../ports/clock.ts';
import { untilEnd } from '../end-signals.ts';
import { usageError } from '../exit.ts';
import { nativeWorker } from '../native-worker.ts';
import { printJson, printText } from '../output.ts';
import { openLine } from '../progress-line.ts';
import { renderBench, renderBenchStep } from '../render/bench.ts';
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
	readonly json?: boolean;
}

export async function benchProveCommand(options: BenchProveOptions): Promise<void> {
	const clock = createClock();
	const log = createLog({ level: 'error', base: {}, destination: STDERR });
	const home = (await isHome(options.home)) ? await openHome(options.home) : undefined;
	const keeps = home !== undefined && options.keep;
	// A node that runs would be measured as well, and holds the store.
	if (keeps) await (await lockHome(home.paths.lock)).release();
	await untilEnd(async (signal) => {
		const results = await measure(await configOf(options, home !== undefined), options, { clock, log, signal });
		if (keeps) await keepBench(home, results, log);
		if (options.json) printJson({ kept: keeps, results: results.map(withoutSamples) });
		else printText([...results.map(renderBench), kept(keeps, options.home)].join('\n\n'));
	});
	log.flush();
}

/** The percentiles tell as much. */
function withoutSamples(result: BenchResult): object {
	return { ...result, samples: undefined };
}

async function measure(
	config: Config,
	{ size, repeat }: BenchProveOptions,
	{ clock, log, signal }: { readonly clock: Clock; readonly log: NodeLog; readonly signal: AbortSignal },
): Promise<readonly BenchResult[]> {
	const command = config.native.worker ?? [await nativeWorker(signal)];
	const scratch = await openScratch('poster-bench-prove-');
	const line = openLine(process.stderr);
	try {
		const workers = startWorkers({ clock, log }, { config, command, scratch: join(scratch.path, 'workers') });
		try {
			const { proofTypes, slotFilters } = await readProofKeys(config, workers.verifier);
			await workers.requireGpus();
			return await benchProve(clock, {
				workers,
				proofTypes: chosen(proofTypes, size),
				slotFilters,
				repetitions: repeat,
				tell: (step) => line.show(`${step.slot} ${step.proof} ${step.repetition}`, renderBenchStep(step), 0),
				signal,
			});
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
	const { sources } = config.proofs;
	return {
		...config,
		proofs: {
			sources,
			params: config.proofs.params,
			...(params !== undefined && { params: resolve(params) }),
			...(testParameters !== undefined && { testParameters: resolve(testParameters) }),
		},
	};
}

function chosen(
	types: readonly PoStProofType[],
	size: readonly SectorSizeName[] | undefined,
): readonly PoStProofType[] {
	const wanted = size?.map((name) => WINDOW_TYPES[`window-${name}`]);
	const found = wanted === undefined ? types : types.filter((type) => wanted.includes(type));
	if (found.length > 0) return found;
	throw usageError(
		'there are no parameters of that size here',
		'See `poster-node params fetch` and `params generate-test`.',
	);
}

function kept(keeps: boolean, home: string): string {
	return keeps ? `Kept as the estimate of the node of ${home}.` : 'Not kept: there is no node here, or --no-keep.';
}
