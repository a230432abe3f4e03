/** Runs the Rust tests, formatter and linter with the target folder that the build uses, outside the clone. */
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { defaultCacheDir } from '../src/adapters/native/build.ts';

const native = resolve(import.meta.dirname, '../native');
const cache = defaultCacheDir(process.env);
const env = {
	...process.env,
	CARGO_TARGET_DIR: join(cache, 'target'),
	POSTER_TEST_PARAMS: process.env['POSTER_TEST_PARAMS'] ?? join(cache, 'test-params'),
};
const steps = [
	['fmt', '--all', '--check'],
	['clippy', '--release', '--locked', '--all-targets', '--', '-D', 'warnings'],
	['test', '--release', '--locked'],
];
for (const args of steps) {
	const { status } = spawnSync('cargo', args, { cwd: native, env, stdio: 'inherit' });
	if (status !== 0) process.exit(status ?? 1);
}
