/** Where commands write: answers to stdout, remarks to stderr, so that a pipe carries nothing but the answer. */

/** One JSON value on one line. */
export function printJson(value: unknown): void {
	process.stdout.write(`${JSON.stringify(value)}\n`);
}

export function printText(text: string): void {
	process.stdout.write(`${text}\n`);
}

export function printRemark(text: string): void {
	process.stderr.write(`${text}\n`);
}
