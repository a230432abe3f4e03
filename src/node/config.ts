/** Reads config.toml: what is configured decides which roles a node takes, so nothing misspelt may pass unseen. */
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { PosterError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { explainIssues } from './config-issues.ts';
import { configSchema } from './config-schema.ts';
import { readSmallFile } from './files.ts';

type CamelKey<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelKey<Tail>>}` : S;
type Camel<T> = T extends string | number | bigint | boolean | undefined
	? T
	: T extends readonly (infer Item)[]
		? readonly Camel<Item>[]
		: { readonly [K in keyof T as CamelKey<K & string>]: Camel<T[K]> };

/** The options of docs/config.md, keys in camel case, all paths absolute, all defaults filled in. */
export type Config = Omit<Parsed, 'proofs'> & { readonly proofs: Parsed['proofs'] & { readonly params: string } };
type Parsed = Camel<z.output<typeof configSchema>>;
export type ProverSlotConfig = NonNullable<Config['prover']>['slots'][number];
export type ExternalProverConfig = NonNullable<Config['prover']>['external'][number];

/** Networks whose keys come from the trusted setup: a test key there would accept forged proofs of real storage. */
const PUBLISHED_KEY_NETWORKS: readonly string[] = ['mainnet', 'testnetnet', 'calibrationnet'];

/** Rejects `config-missing`, `config-syntax`, `config-invalid`, `config-path`. */
export async function loadConfig(file: string): Promise<Config> {
	const bytes = await readSmallFile(file, limits.configFileBytes);
	if (bytes === undefined) {
		throw new PosterError('config-missing', `${file} does not exist`, {
			advice: 'Name the file with --config, or let `poster-node init` write a commented one.',
			meta: { file },
		});
	}
	const config = parseConfig(bytes.toString('utf8'), file);
	await checkFiles(config, file);
	return config;
}

/** `file` names the source in errors; relative paths in the text start at its folder. */
export function parseConfig(text: string, file: string): Config {
	const result = configSchema.safeParse(parseToml(text, file), { reportInput: true });
	if (!result.success) throw invalid(file, explainIssues(result.error.issues));
	const config = resolvePaths(camel(result.data) as Parsed, dirname(resolve(file)));
	const complaints = crossComplaints(config);
	if (complaints.length > 0) throw invalid(file, complaints);
	return config;
}

/** What no section can see by itself. */
function crossComplaints({ submitter, chain, prover, storage }: Config): string[] {
	const complaints: string[] = [];
	if (submitter !== undefined && chain === undefined) {
		complaints.push('[submitter] needs [chain]: nothing is signed without an own view of the chain');
	}
	if (prover?.slots.length === 0 && prover.external.length === 0) {
		complaints.push('[prover] slots: needs at least 1, but it is 0, and no external prover is named');
	}
	if (storage === undefined && prover?.external.some(({ protocol }) => protocol === 'damocles') === true) {
		complaints.push('[prover] external: protocol "damocles" needs [storage], whose sectors it reads');
	}
	const slots = [...(prover?.slots ?? []), ...(prover?.external ?? [])];
	if (process.platform !== 'linux' && slots.some(({ cpus }) => cpus !== undefined)) {
		complaints.push('[prover] cpus: binding to cores is done on Linux only');
	}
	return complaints;
}

/** Rejects `config-test-parameters` where real storage is proven. `network` is the roster's. */
export function checkNetwork(config: Config, network: string): void {
	if (config.proofs.testParameters === undefined || !PUBLISHED_KEY_NETWORKS.includes(network)) return;
	throw new PosterError('config-test-parameters', `[proofs] test_parameters is refused on ${network}`, {
		advice: 'Remove test_parameters: whoever accepts a test key accepts forged proofs.',
		meta: { network },
	});
}

/** `epoch_ms`, or what is known of the network; undefined where it must be learned from the heads. */
export function configuredEpochMs(config: Config, network: string): number | undefined {
	if (config.epochMs !== undefined) return config.epochMs;
	return PUBLISHED_KEY_NETWORKS.includes(network) ? 30_000 : undefined;
}

/** The roles that this node has the means for; the roster says which of them it may take. */
export function configuredRoles(config: Config): readonly ('chain' | 'storage' | 'prover' | 'submitter')[] {
	return (['chain', 'storage', 'prover', 'submitter'] as const).filter((role) => config[role] !== undefined);
}

/** The folder that the proving library itself would use. */
export function defaultParams(env: NodeJS.ProcessEnv): string {
	return env['FIL_PROOFS_PARAMETER_CACHE'] ?? '/var/tmp/filecoin-proof-parameters';
}

/** The source that is every connected member of the mesh; a folder of that name is written `./mesh`. */
export const MESH_SOURCE = 'mesh';

/** True for a gateway, false for a folder. */
export function isUrl(source: string): boolean {
	return /^https?:\/\//.test(source);
}

function parseToml(text: string, file: string): unknown {
	try {
		return parse(text);
	} catch (error) {
		if (!(error instanceof TomlError)) throw error;
		const reason = error.message.split('\n')[0];
		// A file that is no text must not reach the terminal as it is.
		const shown = error.codeblock.replaceAll(/[[\p{Cc}\ufffd]--[\n\t]]/gv, '.');
		throw new PosterError('config-syntax', `${file}:${error.line}:${error.column}: ${reason}\n${shown}`, {
			cause: error,
			advice: 'Paths and other texts stand in quotes; every option is shown in docs/config.md.',
			meta: { file, line: error.line, column: error.column },
		});
	}
}

function invalid(file: string, complaints: readonly string[]): PosterError {
	const shown = complaints.slice(0, limits.configIssues).map((text) => `  ${text}`);
	const more = complaints.length - shown.length;
	if (more > 0) shown.push(`  and ${more} more`);
	return new PosterError('config-invalid', `${file} is not valid:\n${shown.join('\n')}`, {
		advice: 'Every option with its unit and default: docs/config.md.',
		meta: { file, issues: complaints.length },
	});
}

function camel(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(camel);
	if (typeof value !== 'object' || value === null) return value;
	const entries = Object.entries(value).filter(([, item]) => item !== undefined);
	return Object.fromEntries(entries.map(([key, item]) => [camelKey(key), camel(item)]));
}

function camelKey(key: string): string {
	return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function resolvePaths(config: Parsed, folder: string): Config {
	const at = (path: string): string =>
		path === '~' || path.startsWith('~/') ? resolve(homedir(), path.slice(2)) : resolve(folder, path);
	const { chain, storage, prover, submitter, proofs, spool } = config;
	const withToken = <T extends { readonly tokenFile?: string | undefined }>(node: T): T =>
		node.tokenFile === undefined ? node : { ...node, tokenFile: at(node.tokenFile) };
	return {
		...config,
		...(chain && { chain: { ...withToken(chain), fallback: chain.fallback.map(withToken) } }),
		...(storage && { storage: { ...storage, paths: storage.paths.map(at) } }),
		...(prover && {
			prover: {
				...prover,
				slots: prover.slots.map((slot) => (slot.lockDir === undefined ? slot : { ...slot, lockDir: at(slot.lockDir) })),
				external: prover.external.map((entry) => ({ ...entry, bin: at(entry.bin) })),
			},
		}),
		...(submitter && {
			submitter: {
				...submitter,
				miners: submitter.miners.map((item) => ({
					...item,
					wallet: item.wallet === 'node' ? 'node' : at(item.wallet),
				})),
			},
		}),
		proofs: {
			params: at(proofs.params ?? defaultParams(process.env)),
			sources: proofs.sources.map((source) => (isUrl(source) || source === MESH_SOURCE ? source : at(source))),
			engine: proofs.engine,
			...(proofs.decoded !== undefined && { decoded: at(proofs.decoded) }),
			...(proofs.testParameters !== undefined && { testParameters: at(proofs.testParameters) }),
		},
		...(spool.path !== undefined && { spool: { ...spool, path: at(spool.path) } }),
	};
}

/** Files without which a role cannot work. Sector folders are not among them: the other disks of the machine go on. */
async function checkFiles(config: Config, file: string): Promise<void> {
	const wallets = config.submitter?.miners.map((item) => ['[submitter] wallet', item.wallet] as const) ?? [];
	const provers = config.prover?.external.map(({ bin }) => ['[prover] external bin', bin] as const) ?? [];
	const needed: readonly (readonly [option: string, path: string | undefined])[] = [
		...provers,
		['[chain] token_file', config.chain?.tokenFile],
		...(config.chain?.fallback ?? []).map(({ tokenFile }) => ['[chain] fallback token_file', tokenFile] as const),
		['[proofs] test_parameters', config.proofs.testParameters],
		...wallets.filter(([, path]) => path !== 'node'),
	];
	for (const [option, path] of needed) {
		if (path !== undefined) await checkReadable(option, path, file);
	}
}

async function checkReadable(option: string, path: string, file: string): Promise<void> {
	try {
		await access(path);
	} catch (error) {
		throw new PosterError('config-path', `${option}: ${path} cannot be read`, {
			cause: error,
			advice: `Correct the path in ${file} (relative paths start at its folder), or its permissions.`,
			meta: { option, path },
		});
	}
}
