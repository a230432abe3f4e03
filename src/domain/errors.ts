/**
 * The one error type of the project. `code` is stable and meant for machines (metrics label, exit code, tests),
 * `message` says what happened, `advice` what the operator can do about it.
 */
export interface PosterErrorInit {
	readonly cause?: unknown;
	readonly advice?: string;
	/** Facts about the failure, safe to log: never keys or tokens. */
	readonly meta?: Readonly<Record<string, string | number | boolean | null>>;
}

export class PosterError extends Error {
	override readonly name = 'PosterError';
	readonly code: string;
	readonly advice: string | undefined;
	readonly meta: Readonly<Record<string, string | number | boolean | null>>;

	constructor(code: string, message: string, init: PosterErrorInit = {}) {
		super(message, init.cause === undefined ? undefined : { cause: init.cause });
		this.code = code;
		this.advice = init.advice;
		this.meta = init.meta ?? {};
	}
}

/** True for a `PosterError` with one of the given codes (any code when none is given). */
export function isPosterError(error: unknown, ...codes: readonly string[]): error is PosterError {
	return error instanceof PosterError && (codes.length === 0 || codes.includes(error.code));
}

/** For invariants of our own code: a failure is a bug, never bad input. */
export function assert(condition: boolean, message: string): asserts condition {
	if (!condition) throw new Error(`assertion failed: ${message}`);
}
