/** Processes that a process has started, by what the kernel of Linux says. */
import { readdir, readFile } from 'node:fs/promises';

/** Children, their children and so on. */
export async function descendants(root: number): Promise<readonly number[]> {
	const parents = new Map<number, number>();
	for (const name of await readdir('/proc')) {
		if (!/^\d+$/.test(name)) continue;
		const parent = await parentOf(Number(name));
		if (parent !== undefined) parents.set(Number(name), parent);
	}
	const found = [root];
	// The list grows while it is walked.
	for (const pid of found) for (const [child, parent] of parents) if (parent === pid) found.push(child);
	return found.slice(1);
}

export async function alive(pids: readonly number[]): Promise<readonly number[]> {
	const parents = await Promise.all(pids.map(parentOf));
	return pids.filter((_, index) => parents[index] !== undefined);
}

/** Undefined for a process that is gone. */
async function parentOf(pid: number): Promise<number | undefined> {
	try {
		const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
		const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
		return state === 'Z' ? undefined : Number(parent);
	} catch (error) {
		if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
		throw error;
	}
}
