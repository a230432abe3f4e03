/** `claims`: what is due, who works on it, and why this node does not. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogUpdate } from 'log-update';
import { limits } from '../../domain/limits.ts';
import type { ClaimsReport } from '../../node/control-api.ts';
import { connectControl } from '../control-client.ts';
import { printJson, printText } from '../output.ts';
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
	while (!ending.signal.aborted) {
		show(await node.get<ClaimsReport>('/claims'));
		await sleep(limits.watchMs, undefined, { signal: ending.signal }).catch(ignoreAbort);
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
