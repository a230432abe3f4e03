/** Runs the command that was asked for, and turns its errors into words and an exit code. */
import { CommanderError } from 'commander';
import type { PosterError } from '../domain/errors.ts';
import { EXIT, errorJson, errorText, exitCodeOf, usageError } from './exit.ts';
import { printJson, printRemark } from './output.ts';
import { HELP_ADVICE, program, wantsJson } from './program.ts';

export async function run(): Promise<void> {
	const root = program();
	try {
		await root.parseAsync();
	} catch (error) {
		if (error instanceof CommanderError) {
			// Commander has printed its complaint, or the help that was asked for.
			process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
			if (error.exitCode !== 0 && wantsJson()) printJson(errorJson(complaint(error)));
			return;
		}
		if (wantsJson()) printJson(errorJson(error));
		else printRemark(errorText(error, root.opts()['verbose'] === true));
		process.exitCode = exitCodeOf(error);
	}
}

/** Its first line says what is wrong, a further one what may have been meant. */
function complaint({ message }: CommanderError): PosterError {
	const [what = '', meant] = message.split('\n');
	return usageError(what.replace(/^error: /, ''), meant?.replace(/^\(|\)$/g, '') ?? `${HELP_ADVICE}.`);
}
