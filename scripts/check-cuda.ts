/**
 * Builds the native worker for GPUs and tests it without a GPU, a driver or the CUDA toolkit: nvcc and libcuda are stand-ins
 * (native/cuda-check). It shows that the build compiles, links and starts, and what the worker does when a GPU fails; nothing is computed on one.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defaultCacheDir } from '../src/adapters/native/build.ts';

const native = resolve(import.meta.dirname, '../native');
const standIns = join(native, 'cuda-check');
const cache = defaultCacheDir(process.env);
// Not the folder of the real build, whose kernels took nvcc minutes.
const target = join(cache, 'target-cuda-check');
const libraries = join(target, 'stand-in/lib64/stubs');
mkdirSync(libraries, { recursive: true });
const run = (command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): void => {
	const { status } = spawnSync(command, args, { cwd: native, env, stdio: 'inherit' });
	assert.equal(status, 0, `${command} failed`);
};
run('cc', [
	...['-Wall', '-Wextra', '-O1', '-shared', '-fPIC', '-Wl,-soname,libcuda.so.1'],
	...['-o', join(libraries, 'libcuda.so'), join(standIns, 'libcuda.c')],
]);
copyFileSync(join(libraries, 'libcuda.so'), join(libraries, 'libcuda.so.1'));
run('cargo', ['test', '--release', '--locked', '-p', 'poster-native', '--features', 'cuda', '--test', 'gpu'], {
	...process.env,
	PATH: `${standIns}:${process.env['PATH']}`,
	CUDA_LIBRARY_PATH: join(target, 'stand-in'),
	LD_LIBRARY_PATH: libraries,
	CARGO_TARGET_DIR: target,
	POSTER_TEST_PARAMS: process.env['POSTER_TEST_PARAMS'] ?? join(cache, 'test-params'),
});
