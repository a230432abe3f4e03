/** Entry of the composed node: opens what it needs, runs it, and closes everything again whatever happens. */
import { openOutside } from './outside.ts';
import { runNode } from './run-node.ts';
import type { RunningNode, StartOptions } from './start-options.ts';

/** Rejects with the code of whatever is missing or in use; everything opened until then is closed again. */
export async function startNode(options: StartOptions): Promise<RunningNode> {
	const stack = new AsyncDisposableStack();
	try {
		return await runNode(options, await openOutside(options, stack), stack);
	} catch (error) {
		await stack.disposeAsync();
		throw error;
	}
}
