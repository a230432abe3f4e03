/** Builds the Rust worker if it is missing (`--cuda`: the one for NVIDIA GPUs), with progress, and prints its path as the last line. */
import { resolve } from 'node:path';
import { type BuildProgress, defaultCacheDir, ensureNative } from '../src/adapters/native/build.ts';

function show({ done, total, leftMs }: BuildProgress): void {
	const left = leftMs === undefined ? '' : `, about ${Math.ceil(leftMs / 1000)} s left`;
	const line = `native worker: ${done} of at most ${total} crates${left}`;
	if (process.stderr.isTTY) process.stderr.write(`\r${line}   `);
	else if (done % 25 === 0) process.stderr.write(`${line}\n`);
}

const cuda = process.argv.includes('--cuda');
const path = await ensureNative({
	sources: resolve(import.meta.dirname, '../native'),
	cacheDir: defaultCacheDir(process.env),
	cuda,
	binary: process.env[cuda ? 'POSTER_NATIVE_CUDA' : 'POSTER_NATIVE'],
	onProgress: show,
});
process.stdout.write(`${path}\n`);
