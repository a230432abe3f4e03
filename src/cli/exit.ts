/** Exit codes and how a failure is told: what happened, what to do, and a code that scripts can rely on. */
import { PosterError } from '../domain/errors.ts';

export const EXIT = {
	ok: 0,
	/** The command ran and did not reach its goal. */
	failed: 1,
	/** The command line is wrong. */
	usage: 2,
	/** Config, home, key, roster, store or a program that the node needs cannot be used. */
	home: 3,
	/** No node runs on this home, or it does not answer. */
	notRunning: 4,
	/** Refused: token, signature, permission, membership. */
	refused: 5,
} as const;

const BY_CODE: readonly (readonly [pattern: RegExp, exit: number])[] = [
	[/^usage$/, EXIT.usage],
	[/^node-not-running$/, EXIT.notRunning],
	[
		/^(roster-signature|roster-older|not-in-roster|control-token|control-host|chain-permission|key-mode|wallet-.*)$/,
		EXIT.refused,
	],
	[/^(config|home|key|roster|store|file|invite)-/, EXIT.home],
	[
		/^(mesh-cloned|prover-no-gpu|prover-no-params|prover-no-key|native-missing|native-refused|native-no-cargo)$/,
		EXIT.home,
	],
];

export function exitCodeOf(error: unknown): number {
	if (!(error instanceof PosterError)) return EXIT.failed;
	return BY_CODE.find(([pattern]) => pattern.test(error.code))?.[1] ?? EXIT.failed;
}

/** Lines for people; the stack only with `--verbose`, and for bugs, where it is all there is. */
export function errorText(error: unknown, verbose: boolean): string {
	if (!(error instanceof PosterError)) {
		const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
		return `internal error (please report it):\n${stack}`;
	}
	const lines = [`error: ${error.message}`];
	if (error.advice !== undefined) lines.push(`  ${error.advice}`);
	if (verbose) lines.push(`  code: ${error.code}`, error.stack ?? '', ...causes(error));
	return lines.join('\n');
}

export function errorJson(error: unknown): object {
	if (!(error instanceof PosterError)) return { error: { code: 'internal', message: String(error), advice: null } };
	return { error: { code: error.code, message: error.message, advice: error.advice ?? null } };
}

export function usageError(message: string, advice?: string): PosterError {
	return new PosterError('usage', message, advice === undefined ? {} : { advice });
}

function causes(error: Error): string[] {
	const { cause } = error;
	return cause instanceof Error ? [`caused by: ${cause.stack ?? cause.message}`, ...causes(cause)] : [];
}
