/** Runs the real command line as a process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export const CLI_MAIN = join(import.meta.dirname, '../../src/cli/main.ts');

export interface CliResult {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

export async function cli(...args: readonly string[]): Promise<CliResult> {
	const child = spawn(process.execPath, [CLI_MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
	const texts = { stdout: '', stderr: '' };
	for (const name of ['stdout', 'stderr'] as const) {
		child[name].setEncoding('utf8').on('data', (text: string) => {
			texts[name] += text;
		});
	}
	const [code] = await once(child, 'close');
	return { code, ...texts };
}
