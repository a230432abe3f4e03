/** Our prover against the proving library's, alternating on the same cores: `npm run bench:prover -- --json`. Options go to the bench. */
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { defaultCacheDir } from '../src/adapters/native/build.ts';

const cache = defaultCacheDir(process.env);
const { status } = spawnSync(
	'cargo',
	[
		...['run', '--quiet', '--release', '--locked', '--package', 'post-prover', '--features', 'bench'],
		...['--example', 'bench_prover', '--', ...process.argv.slice(2)],
	],
	{
		cwd: resolve(import.meta.dirname, '../native'),
		env: {
			...process.env,
			CARGO_TARGET_DIR: join(cache, 'target'),
			POSTER_TEST_PARAMS: process.env['POSTER_TEST_PARAMS'] ?? join(cache, 'test-params'),
		},
		stdio: 'inherit',
	},
);
process.exit(status ?? 1);
