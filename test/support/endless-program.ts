/** A program in the place of a real one that starts another one and then never ends, as a compiler does for minutes. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface EndlessProgram {
	/** Folder that holds it alone. */
	readonly bin: string;
	readonly path: string;
	/** Its own pid and that of what it started; none before it runs. */
	pids(): Promise<readonly number[]>;
}

export async function endlessProgram(root: string, name: string): Promise<EndlessProgram> {
	const bin = join(root, 'bin');
	const path = join(bin, name);
	const told = join(root, 'pids');
	await mkdir(bin);
	await writeFile(path, `#!/bin/sh\nsleep 1000 &\nprintf '%s\\n' $$ $! > '${told}'\nwait\n`);
	await chmod(path, 0o755);
	const pids = async (): Promise<readonly number[]> =>
		(await readFile(told, 'utf8').catch(() => '')).split('\n').filter(Boolean).map(Number);
	return { bin, path, pids };
}
