/** A call of an actor that fails: its exit code and text, as they come back in receipts and error messages. */

/** Exit codes of the VM and of actors (ref-fvm `shared/src/error/mod.rs`). */
export const exitCode = {
	ok: 0,
	insufficientFunds: 6,
	outOfGas: 7,
	illegalArgument: 16,
	notFound: 17,
	forbidden: 18,
	actorInsufficientFunds: 19,
	illegalState: 20,
	serialization: 21,
	unhandledMessage: 22,
} as const;

const NAMES: Readonly<Record<number, string>> = {
	6: 'SysErrInsufficientFunds',
	7: 'SysErrOutOfGas',
	16: 'ErrIllegalArgument',
	17: 'ErrNotFound',
	18: 'ErrForbidden',
	19: 'ErrInsufficientFunds',
	20: 'ErrIllegalState',
	21: 'ErrSerialization',
	22: 'ErrUnhandledMessage',
};

export function exitName(code: number): string {
	return `${NAMES[code] ?? 'ExitCode'}(${code})`;
}

/** Thrown inside actor code only; `apply` turns it into a receipt. */
export class Abort extends Error {
	override readonly name = 'Abort';
	readonly exitCode: number;
	/** Second frame of the VM's backtrace, without its arrow. */
	readonly causedBy: string | undefined;

	constructor(code: number, message: string, causedBy?: string) {
		super(message);
		this.exitCode = code;
		this.causedBy = causedBy;
	}
}

export function ensure(condition: boolean, code: number, text: string): asserts condition {
	if (!condition) throw new Abort(code, text);
}

/** Runs `act`, putting `prefix: ` before the text of an abort. */
export function within<T>(prefix: string, act: () => T): T {
	try {
		return act();
	} catch (error) {
		if (error instanceof Abort) throw new Abort(error.exitCode, `${prefix}: ${error.message}`, error.causedBy);
		throw error;
	}
}
