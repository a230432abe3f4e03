/**
 * Finds or builds `poster-native`, the Rust worker. A built binary is kept outside the clone, under a name that is the
 * hash of its sources: a second clone of the same version builds nothing, another version never picks a stale one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, copyFile, mkdir, readdir, readFile, rename, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PosterError } from '../../domain/errors.ts';

export interface BuildProgress {
	/** Crates compiled so far and in all. */
	readonly done: number;
	readonly total: number;
	/** Milliseconds left, extrapolated from the crates done; undefined until there is something to go by. */
	readonly leftMs: number | undefined;
}

export interface NativeBuildOptions {
	/** Folder with the cargo workspace. */
	readonly sources: string;
	/** Where binaries and cargo's target folder are kept; see `defaultCacheDir`. */
	readonly cacheDir: string;
	/** The build for NVIDIA GPUs: a binary of its own, since it does not start without their driver. @default false */
	readonly cuda?: boolean;
	/** A ready binary that is used as it is (environment variables POSTER_NATIVE and POSTER_NATIVE_CUDA). */
	readonly binary?: string | undefined;
	readonly onProgress?: (progress: BuildProgress) => void;
	/** Ends a build at once, with everything it started. */
	readonly signal?: AbortSignal | undefined;
}

/** Compiled crates before the time left is guessed. */
const CRATES_TO_JUDGE_BY = 5;

/** Per-user cache folder, as the XDG base directory specification says. */
export function defaultCacheDir(env: NodeJS.ProcessEnv): string {
	return join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'poster-node');
}

/** Path of an executable worker. Errors: `native-missing`, `native-no-cargo`, `native-build`, the signal's reason. */
export async function ensureNative(options: NativeBuildOptions): Promise<string> {
	const { cuda = false } = options;
	if (options.binary !== undefined) return requireExecutable(options.binary);
	const hash = (await sourceHash(options.sources)).slice(0, 16);
	const built = join(options.cacheDir, 'native', hash, cuda ? 'poster-native-cuda' : 'poster-native');
	if (await isExecutable(built)) return built;
	// A folder of its own: with other features all would be built anew each time, kernels (minutes of nvcc) included.
	const target = join(options.cacheDir, cuda ? 'target-cuda' : 'target');
	await mkdir(target, { recursive: true });
	await cargoBuild(target, options);
	await mkdir(join(built, '..'), { recursive: true });
	const fresh = `${built}.${process.pid}`;
	await copyFile(join(target, 'release', 'poster-native'), fresh);
	await rename(fresh, built);
	return built;
}

async function isExecutable(path: string): Promise<boolean> {
	return access(path, constants.X_OK).then(
		() => true,
		() => false,
	);
}

async function requireExecutable(path: string): Promise<string> {
	if (await isExecutable(path)) return path;
	throw new PosterError('native-missing', `${path} is not an executable file`, {
		advice:
			'POSTER_NATIVE and POSTER_NATIVE_CUDA must name poster-native binaries; unset them to build from the sources.',
	});
}

/** SHA-256 over path and content of every source file, in path order. */
async function sourceHash(sources: string): Promise<string> {
	const hash = createHash('sha256');
	const names = await readdir(sources, { recursive: true });
	for (const name of names.sort()) {
		if (/(^|\/)(target|fuzz|tests)(\/|$)/.test(name) || !/\.(rs|toml|lock|json)$/.test(name)) continue;
		const path = join(sources, name);
		if ((await stat(path)).isFile()) hash.update(`${name}\0`).update(await readFile(path));
	}
	return hash.digest('hex');
}

async function cargoBuild(target: string, options: NativeBuildOptions): Promise<void> {
	const { sources, cuda = false, onProgress, signal } = options;
	signal?.throwIfAborted();
	const lock = await readFile(join(sources, 'Cargo.lock'), 'utf8');
	const total = lock.split('[[package]]').length - 1;
	const features = cuda ? ['--features', 'cuda'] : [];
	const args = ['build', '--release', '--locked', '-p', 'poster-native', ...features];
	args.push('--message-format', 'json-render-diagnostics');
	const cargo = spawn('cargo', args, {
		cwd: sources,
		env: { ...process.env, CARGO_TARGET_DIR: target },
		stdio: ['ignore', 'pipe', 'pipe'],
		// Cargo leaves its compilers behind when it is killed alone. Without a signal it shares the terminal's ctrl-c.
		detached: signal !== undefined,
	});
	const end = (): void => killGroup(cargo);
	signal?.addEventListener('abort', end, { once: true });
	const startedMs = performance.now();
	const crates = new Set<string>();
	/** Those that were compiled now; the others were there from an earlier build and cost nothing. */
	let compiled = 0;
	let errors = '';
	cargo.stderr.on('data', (chunk: Buffer) => {
		errors = (errors + chunk.toString()).slice(-8000);
	});
	const exit = new Promise<number | null>((resolve, reject) => {
		cargo.once('error', reject);
		cargo.once('close', resolve);
	});
	const lines = createInterface({ input: cargo.stdout });
	lines.on('line', (line) => {
		const message = JSON.parse(line) as { reason: string; package_id?: string; fresh?: boolean };
		if (message.reason !== 'compiler-artifact' || message.package_id === undefined) return;
		if (!crates.has(message.package_id) && message.fresh === false) compiled++;
		crates.add(message.package_id);
		const perCrateMs = (performance.now() - startedMs) / compiled;
		const left = compiled < CRATES_TO_JUDGE_BY ? undefined : perCrateMs * Math.max(0, total - crates.size);
		onProgress?.({ done: crates.size, total, leftMs: left });
	});
	const code = await exit
		.catch((cause: unknown) => {
			throw new PosterError('native-no-cargo', 'cargo could not be started', {
				cause,
				advice: 'Install Rust 1.89 or newer and a C compiler, or set POSTER_NATIVE to a ready poster-native binary.',
			});
		})
		.finally(() => signal?.removeEventListener('abort', end));
	signal?.throwIfAborted();
	if (code !== 0) {
		throw new PosterError('native-build', `cargo build of the native worker failed (exit ${code}):\n${errors}`, {
			advice: cuda
				? 'It needs Rust 1.89 or newer, a C compiler, the CUDA toolkit (nvcc in PATH) and libcuda of the driver or of its stubs.'
				: 'It needs Rust 1.89 or newer and a C compiler; nothing else.',
		});
	}
}

/** The group that a detached child leads. */
function killGroup({ pid }: ChildProcess): void {
	if (pid === undefined) return;
	try {
		process.kill(-pid, 'SIGKILL');
	} catch (error) {
		// It has ended by itself.
		if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
	}
}
