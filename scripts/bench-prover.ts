/**
 * Our prover against the proving library's, alternating on the same cores: `npm run bench:prover -- --json`. Options go to the bench:
 * --sectors 2,47,191, --repetitions 5, --no-memory, --no-in-flight.
 */
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { defaultCacheDir } from '../src/adapters/native/build.ts';

const cache = defaultCacheDir(process.env);
const target = join(cache, 'target');
const options = {
	cwd: resolve(import.meta.dirname, '../native'),
	env: {
		...process.env,
		CARGO_TARGET_DIR: target,
		POSTER_TEST_PARAMS: process.env['POSTER_TEST_PARAMS'] ?? join(cache, 'test-params'),
	},
	stdio: 'inherit',
} as const;
// The whole workspace: for this package alone cargo would choose other features, and build the proving library once more.
const build = ['build', '--quiet', '--release', '--locked', '--workspace', '--features', 'post-prover/bench'];
const steps = [
	['cargo', ...build, '--example', 'bench_prover'],
	[join(target, 'release/examples/bench_prover'), ...process.argv.slice(2)],
] as const;
for (const [command, ...args] of steps) {
	const { status } = spawnSync(command, args, options);
	if (status !== 0) process.exit(status ?? 1);
}
