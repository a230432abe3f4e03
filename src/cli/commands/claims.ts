/** `claims`: what is due, who works on it, and why this node does not. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogUpdate } from 'log-update';
import { isPosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { ClaimsReport } from '../../node/control-api.ts';
import { type ControlClient, connectControl, findControl } from '../control-client.ts';
import { printJson, printRemark, printText } from '../output.ts';
import { renderClaims } from '../render/claims.ts';

export interface ClaimsOptions {
	readonly home: string;
	readonly watch?: boolean;
	readonly json?: boolean;
}

export async function claims(options: ClaimsOptions): Promise<void> {
	const node = await connectControl(options.home);
	if (!options.watch) {
		const report = await node.get<ClaimsReport>('/claims');
		if (options.json) printJson(report);
		else printText(renderClaims(report, process.stdout.columns));
		return;
	}
	const ending = new AbortController();
	process.once('SIGINT', () => ending.abort());
	const show = options.json ? printJson : liveTable();
	let shown: ControlClient | undefined = node;
	while (!ending.signal.aborted) {
		shown = await look(shown, options.home, show);
		await sleep(limits.watchMs, undefined, { signal: ending.signal }).catch(ignoreAbort);
	}
}

/** A node that starts again has another port and another token: it is looked for until it is back. */
async function look(
	node: ControlClient | undefined,
	home: string,
	show: (report: ClaimsReport) => void,
): Promise<ControlClient | undefined> {
	try {
		const found = node ?? (await findControl(home));
		if (found !== undefined) show(await found.get<ClaimsReport>('/claims'));
		return found;
	} catch (error) {
		if (!isPosterError(error, 'node-not-running', 'control-token')) throw error;
		if (node !== undefined) printRemark('The node does not answer: waiting until it is back.');
		return undefined;
	}
}

/** Repaints in place on a terminal; appends elsewhere, where nothing can be repainted. */
function liveTable(): (report: ClaimsReport) => void {
	if (!process.stdout.isTTY) return (report) => printText(`${renderClaims(report)}\n`);
	const update = createLogUpdate(process.stdout);
	return (report) => update(renderClaims(report, process.stdout.columns));
}

function ignoreAbort(error: unknown): void {
	if (!(error instanceof Error && error.name === 'AbortError')) throw error;
}
