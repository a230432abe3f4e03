/** One line of progress that is painted over on a terminal; elsewhere a line for each tenth, since logs are read too. */
import { createLogUpdate } from 'log-update';

const TENTHS = 10;

export interface ProgressLine {
	/** `what` tells one thing in progress from the next; `share` is 0 to 1. */
	show(what: string, text: string, share: number): void;
	/** Stays on the screen. */
	note(text: string): void;
	done(): void;
}

export function openLine(output: NodeJS.WriteStream): ProgressLine {
	return output.isTTY ? terminalLine(output) : plainLine(output);
}

function terminalLine(output: NodeJS.WriteStream): ProgressLine {
	const update = createLogUpdate(output);
	return {
		show: (_, text) => update(text),
		note: (text) => {
			update.clear();
			output.write(`${text}\n`);
		},
		done: () => update.clear(),
	};
}

function plainLine(output: NodeJS.WriteStream): ProgressLine {
	let last = '';
	return {
		show(what, text, share) {
			const step = `${what} ${Math.floor(share * TENTHS)}`;
			if (step !== last) output.write(`${text}\n`);
			last = step;
		},
		note: (text) => void output.write(`${text}\n`),
		done: () => undefined,
	};
}
