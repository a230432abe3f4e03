/**
 * Runs the Rust tests, formatter and linter with the target folder that the build uses, outside the clone. First it compares the features
 * of the crates: where tests, bench and the binary ask for others, all that lies above is built twice, which costs minutes.
 */
import assert from 'node:assert/strict';
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

/** A line per crate of a registry, with its features; the members' own differ on purpose. */
function features(selection: readonly string[]): Set<string> {
	const args = ['tree', '--locked', '--prefix', 'none', '--format', '{p} {f}', ...selection];
	const { status, stdout, stderr } = spawnSync('cargo', args, { cwd: native, env, encoding: 'utf8' });
	assert.equal(status, 0, stderr);
	const lines = stdout.split('\n').map((line) => line.replace(/ \(\*\)$/, ''));
	return new Set(lines.filter((line) => line !== '' && !line.includes(native)));
}

const ofTests = features(['--workspace', '--edges', 'normal,build,dev', '--features', 'post-prover/bench']);
const others = [...features(['--package', 'poster-native', '--edges', 'normal,build'])].filter(
	(line) => !ofTests.has(line),
);
assert.deepEqual(others, [], 'tests build these with other features than the binary: name them in native/Cargo.toml');

const steps = [
	['fmt', '--all', '--check'],
	['clippy', '--release', '--locked', '--all-targets', '--', '-D', 'warnings'],
	['test', '--release', '--locked'],
];
for (const args of steps) {
	const { status } = spawnSync('cargo', args, { cwd: native, env, stdio: 'inherit' });
	if (status !== 0) process.exit(status ?? 1);
}
