/** `params fetch | verify | generate-test`: the files of the trusted setup, and test parameters for networks of one's own. */
import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { runNative } from '../../adapters/native/one-shot.ts';
import { createClock } from '../../adapters/observe/clock.ts';
import { folderSource, gatewaySource, httpSource, type ParameterSource } from '../../adapters/params/source.ts';
import type { PeerView } from '../../core/api.ts';
import { PosterError } from '../../domain/errors.ts';
import {
	circuitName,
	FIRST_WINDOW_TYPE,
	type ParameterFile,
	PUBLISHED_PARAMETERS,
	parameterFiles,
	SECTOR_SIZES,
	type SectorSizeName,
} from '../../domain/parameters.ts';
import { type Config, defaultParams, isUrl, loadConfig, MESH_SOURCE, parseConfig } from '../../node/config.ts';
import { homePaths } from '../../node/home.ts';
import { fetchParameters, type ParamsFinding, type ParamsOptions, verifyParameters } from '../../node/params.ts';
import type { Clock } from '../../ports/clock.ts';
import { connectControl } from '../control-client.ts';
import { onEnd } from '../end-signals.ts';
import { EXIT, usageError } from '../exit.ts';
import { nativeWorker } from '../native-worker.ts';
import { printJson, printText } from '../output.ts';
import { openLine } from '../progress-line.ts';
import { bytesText, fileTitle } from '../render/transfer.ts';
import { watchTransfer } from '../transfer-watch.ts';

/** First proof type of each kind; the sizes follow in the order of `SECTOR_SIZES`. */
const FIRST_TYPE = { winning: 0, window: FIRST_WINDOW_TYPE } as const;

export interface ParamsScope {
	readonly home: string;
	readonly config?: string;
	readonly dir?: string;
	readonly size?: readonly SectorSizeName[];
	readonly kind: 'window' | 'winning' | 'both';
	readonly json?: boolean;
}

export interface ParamsFetchOptions extends ParamsScope {
	readonly for?: 'verify' | 'prove';
	readonly source?: readonly string[];
}

export async function paramsFetch(options: ParamsFetchOptions): Promise<void> {
	const config = await configOf(options);
	const withParameters = options.for === undefined ? proves(config) : options.for === 'prove';
	const files = parameterFiles(proofTypes(options, ['32GiB']), withParameters);
	const folder = folderOf(options, config);
	const clock = createClock();
	const named = options.source ?? config?.proofs.sources ?? parseConfig('', '').proofs.sources;
	const sources = (await Promise.all(named.map((source) => sourcesOf(source, options.home, clock)))).flat();
	const fetched = await watched({ folder, files }, (all) => fetchParameters(clock, sources, all));
	if (options.json) {
		printJson({ dir: folder, files: fetched.map(({ file, source }) => ({ file: file.name, source })) });
		return;
	}
	const lines = fetched.map(
		({ file, source }) => `${fileTitle(file)}: ${source === null ? 'was there' : `from ${source}`}`,
	);
	printText([...lines, `${folder} holds what is needed to ${withParameters ? 'prove' : 'verify'}.`].join('\n'));
}

export async function paramsVerify(options: ParamsScope): Promise<void> {
	const folder = folderOf(options, await configOf(options));
	const files = options.size === undefined ? await present(folder) : parameterFiles(proofTypes(options, []), true);
	if (files.length === 0) {
		throw new PosterError('params-missing', `${folder} holds no published parameter files`, {
			advice: 'Name the folder with --dir, or run `poster-node params fetch`.',
		});
	}
	const findings = await watched({ folder, files }, verifyParameters);
	if (options.json) printJson({ dir: folder, files: findings.map(findingJson) });
	else printText(findings.map(findingText).join('\n'));
	if (findings.some(({ problem }) => problem !== undefined)) process.exitCode = EXIT.failed;
}

export interface GenerateOptions {
	readonly dir: string;
	readonly size: SectorSizeName;
	readonly kind: 'window' | 'winning' | 'both';
	readonly seed: number;
	readonly json?: boolean;
}

export async function paramsGenerateTest({ dir, size, kind, seed, json }: GenerateOptions): Promise<void> {
	const native = await nativeWorker();
	const args = [
		'params',
		'generate-test',
		'--dir',
		resolve(dir),
		'--size',
		size,
		'--kind',
		kind,
		'--seed',
		String(seed),
	];
	await runNative(native, args, (line) => {
		if (json) printJson(line);
		else if (line['event'] !== 'finished') printText(`${String(line['kind'])} ${size}: ${generated(line)}`);
	});
	if (!json) printText(`Test parameters lie in ${dir}; whoever accepts them accepts forged proofs.`);
}

function generated({ event, ms }: Readonly<Record<string, unknown>>): string {
	if (event === 'done') return `made in ${Math.round(Number(ms) / 1000)} s`;
	return event === 'exists' ? 'was there' : 'being made';
}

/** `mesh` stands for every connected member, through the node of this home. */
async function sourcesOf(source: string, home: string, clock: Clock): Promise<readonly ParameterSource[]> {
	if (isUrl(source)) return [gatewaySource(clock, source)];
	if (source !== MESH_SOURCE) return [folderSource(resolve(source))];
	const node = await connectControl(home);
	const { peers } = await node.get<{ readonly peers: readonly PeerView[] }>('/peers');
	const provers = peers.filter(({ connected, roles }) => connected && roles.includes('prover'));
	return provers.map((peer) => {
		const { url, headers } = node.access(`/params/${peer.node}/`);
		return httpSource(clock, { name: `member ${peer.name}`, urlOf: ({ name }) => `${url}${name}`, headers });
	});
}

/** Of the home or of --config; undefined where there is none. */
async function configOf({ home, config }: ParamsScope): Promise<Config | undefined> {
	if (config !== undefined) return loadConfig(config);
	const file = homePaths(home).config;
	return (await exists(file)) ? loadConfig(file) : undefined;
}

function proves(config: Config | undefined): boolean {
	if (config !== undefined) return config.prover !== undefined;
	throw usageError(
		'it is not known what the files are for: there is no config here',
		'Say --for verify (keys, 2.5 MB) or --for prove (also the parameters, 61 GB for 32 GiB sectors), or name a --home.',
	);
}

function folderOf({ dir }: ParamsScope, config: Config | undefined): string {
	return dir === undefined ? (config?.proofs.params ?? defaultParams(process.env)) : resolve(dir);
}

function proofTypes({ size, kind }: ParamsScope, fallback: readonly SectorSizeName[]): readonly number[] {
	const kinds = kind === 'both' ? (['window', 'winning'] as const) : [kind];
	return (size ?? fallback).flatMap((name) => kinds.map((each) => FIRST_TYPE[each] + SECTOR_SIZES.indexOf(name)));
}

async function present(folder: string): Promise<readonly ParameterFile[]> {
	const found = await Promise.all(PUBLISHED_PARAMETERS.map(({ name }) => exists(join(folder, name))));
	return PUBLISHED_PARAMETERS.filter((_, index) => found[index]);
}

async function exists(path: string): Promise<boolean> {
	return access(path).then(
		() => true,
		() => false,
	);
}

/** Shows how far it is on stderr, and ends in order when told to. */
async function watched<T>(
	what: Pick<ParamsOptions, 'folder' | 'files'>,
	run: (options: ParamsOptions) => Promise<T>,
): Promise<T> {
	const stop = new AbortController();
	onEnd(() =>
		stop.abort(new PosterError('params-stopped', 'stopped', { advice: 'What came so far is kept; run it again.' })),
	);
	const line = openLine(process.stderr);
	try {
		return await run({ ...what, tell: watchTransfer(line), signal: stop.signal });
	} finally {
		line.done();
	}
}

function findingJson({ file, problem }: ParamsFinding): object {
	const { name, proofType, digest } = file;
	return {
		file: name,
		circuit: circuitName(proofType),
		digest,
		ok: problem === undefined,
		code: problem?.code ?? null,
		detail: problem?.message ?? null,
	};
}

function findingText({ file, problem }: ParamsFinding): string {
	if (problem === undefined) return `good    ${fileTitle(file)} (${bytesText(file.bytes)})`;
	return `${problem.code === 'params-missing' ? 'missing' : 'BAD    '} ${fileTitle(file)}: ${problem.message}`;
}
