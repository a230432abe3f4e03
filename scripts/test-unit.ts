/**
 * `npm run test:unit`: the tests that share a process, on all cores: a shard of the files for each. Each shard prints its
 * own sum; the exit code is 1 when a test of any of them failed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';

const KINDS = ['unit', 'stories', 'compliance'];

async function run(shard: number, shards: number): Promise<boolean> {
	const files = KINDS.map((kind) => `test/${kind}/**/*.test.ts`);
	const child = spawn(
		process.execPath,
		['--test', '--test-isolation=none', `--test-shard=${shard}/${shards}`, ...files],
		{ stdio: 'inherit' },
	);
	const [code] = await once(child, 'exit');
	return code === 0;
}

const shards = availableParallelism();
const passed = await Promise.all(Array.from({ length: shards }, (_, index) => run(index + 1, shards)));
process.exitCode = passed.every(Boolean) ? 0 : 1;
