/** Homes and nodes as an operator makes them: by the command line. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { homePaths } from '../../src/node/home.ts';
import { cli } from './cli.ts';

/** Any key address: nothing is signed by it. */
export const SENDER = 'f134buwikwmjplvsoy67d26ypp6q5ekhu7qap6hwq';

/** Runs a command that has to succeed; resolves to what it printed. */
export async function succeeds(...args: readonly string[]): Promise<string> {
	const { code, stdout, stderr } = await cli(...args);
	assert.equal(code, 0, `${args.join(' ')}: ${stdout} ${stderr}`);
	return stdout;
}

/** Makes the home of a new mesh that proves for f01000. */
export async function found(home: string, ...more: readonly string[]): Promise<void> {
	const mesh = ['--network', 'testing', '--miner', 'f01000', '--sender', SENDER];
	await succeeds('init', '--home', home, ...mesh, ...more);
}

/** The home of a node without roles, which listens on a free port of this machine; `options` follow in its config. */
export async function configured(home: string, options = ''): Promise<void> {
	await writeFile(homePaths(home).config, `[network]\nlisten = ["/ip4/127.0.0.1/tcp/0"]\n${options}`);
}
