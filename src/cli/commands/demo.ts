/** `demo`: a mesh of seven processes proves a deadline of real sectors while one of them is killed. */
import { PosterError } from '../../domain/errors.ts';
import { runDemo } from '../demo/run-demo.ts';
import { openScreen } from '../demo/screen.ts';
import { summaryText } from '../demo/summary.ts';
import type { VictimKind } from '../demo/victim-kinds.ts';
import { EXIT } from '../exit.ts';
import { printJson, printText } from '../output.ts';

export interface DemoCommandOptions {
	readonly keep?: boolean;
	readonly kill: VictimKind;
	readonly json?: boolean;
}

export async function demo({ keep = false, kill: victim, json = false }: DemoCommandOptions): Promise<void> {
	const ending = new AbortController();
	const interrupt = (): void => ending.abort(new PosterError('demo-interrupted', 'the demo was interrupted'));
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
	const screen = openScreen(json ? process.stderr : process.stdout);
	const summary = await runDemo({ keep, victim, screen, signal: ending.signal, interrupt });
	if (json) printJson(summary);
	else printText(summaryText(summary));
	if (!summary.ok) process.exitCode = EXIT.failed;
}
