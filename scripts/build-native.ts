/** Builds the Rust worker if it is missing, with progress, and prints its path as the last line. */
import { resolve } from 'node:path';
import { type BuildProgress, defaultCacheDir, ensureNative } from '../src/adapters/native/build.ts';

function show({ done, total, leftMs }: BuildProgress): void {
	const left = leftMs === undefined ? '' : `, about ${Math.ceil(leftMs / 1000)} s left`;
	const line = `native worker: ${done} of at most ${total} crates${left}`;
	if (process.stderr.isTTY) process.stderr.write(`\r${line}   `);
	else if (done % 25 === 0) process.stderr.write(`${line}\n`);
}

const path = await ensureNative({
	sources: resolve(import.meta.dirname, '../native'),
	cacheDir: defaultCacheDir(process.env),
	binary: process.env['POSTER_NATIVE'],
	onProgress: show,
});
process.stdout.write(`${path}\n`);
