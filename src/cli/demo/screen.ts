/** What the demo shows: notes that stay, and below them a table that is painted anew; without a terminal only changes. */
import { createLogUpdate } from 'log-update';
import type { ClaimsReport } from '../../node/control-api.ts';
import { renderClaims } from '../render/claims.ts';
import type { PreparationProgress } from './preparation.ts';
import { progressText } from './progress-text.ts';

export interface Screen {
	/** Stays on the screen. */
	note(text: string): void;
	progress(progress: PreparationProgress): void;
	table(report: ClaimsReport, hint: string): void;
	/** Leaves the last table where it is, without the hint. */
	done(): void;
}

/** `output`: stderr when stdout is for a machine. */
export function openScreen(output: NodeJS.WriteStream): Screen {
	// A terminal of no known size shows no table.
	return output.isTTY && output.rows > 0 ? terminalScreen(output) : plainScreen(output);
}

function terminalScreen(output: NodeJS.WriteStream): Screen {
	const update = createLogUpdate(output);
	/** Stands below the notes. */
	let table: { readonly text: string; readonly hint: string } | undefined;
	return {
		note(text) {
			update.clear();
			output.write(`${text}\n`);
			if (table !== undefined) update(`${table.text}\n${table.hint}`);
		},
		progress: (progress) => update(progressText(progress)),
		table(report, hint) {
			table = { text: `\n${renderClaims(report, output.columns)}\n`, hint };
			update(`${table.text}\n${hint}`);
		},
		done() {
			if (table !== undefined) update(table.text);
			update.done();
			table = undefined;
		},
	};
}

function plainScreen(output: NodeJS.WriteStream): Screen {
	const shown = new Map<string, string>();
	let lastProgress = '';
	return {
		note: (text) => void output.write(`${text}\n`),
		progress(progress) {
			// A line for each twentieth: a log is read by people too.
			const step = `${progress.what} ${Math.floor((progress.share ?? 0) * 20)}`;
			if (step !== lastProgress) output.write(`${progressText(progress)}\n`);
			lastProgress = step;
		},
		table(report) {
			for (const claim of report.claims) {
				const holder = claim.holders[0]?.name ?? claim.result?.prover ?? 'nobody';
				const text = `partition ${claim.partition}: ${claim.phase} (${holder})`;
				if (shown.get(claim.work) !== text) output.write(`  epoch ${report.epoch}, ${text}\n`);
				shown.set(claim.work, text);
			}
		},
		done: () => undefined,
	};
}
