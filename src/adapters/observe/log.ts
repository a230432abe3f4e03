/** The Log port over pino: one JSON object a line on stderr, so that stdout stays free for what commands answer. */
import { pino } from 'pino';
import { PosterError } from '../../domain/errors.ts';
import type { Log } from '../../ports/log.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogOptions {
	readonly level: LogLevel;
	/** Facts that every line carries, such as the node's name. */
	readonly base: Readonly<Record<string, string>>;
	/** File descriptor; 2 is stderr. */
	readonly destination: number;
}

export interface NodeLog extends Log {
	/** Writes out what is buffered: before the process ends, also by a crash. */
	flush(): void;
}

export function createLog(options: LogOptions): NodeLog {
	// Asynchronous: a slow reader of the log must not stop the event loop.
	const destination = pino.destination({ dest: options.destination, sync: false });
	const logger = pino(
		{
			level: options.level,
			base: options.base,
			timestamp: pino.stdTimeFunctions.isoTime,
			formatters: { level: (level) => ({ level }) },
			serializers: { error: errorFacts, cause: errorFacts },
		},
		destination,
	);
	return { ...adapt(logger), flush: () => destination.flushSync() };
}

function adapt(logger: pino.Logger): Log {
	return {
		debug: (facts, message) => logger.debug(facts, message),
		info: (facts, message) => logger.info(facts, message),
		warn: (facts, message) => logger.warn(facts, message),
		error: (facts, message) => logger.error(facts, message),
		child: (facts) => adapt(logger.child(facts)),
	};
}

/** Code and facts of a coded error; a stack only where the error is a bug. */
function errorFacts(error: unknown): unknown {
	if (!(error instanceof PosterError)) return error instanceof Error ? pino.stdSerializers.err(error) : error;
	const cause = error.cause === undefined ? {} : { cause: errorFacts(error.cause) };
	return { code: error.code, message: error.message, ...error.meta, ...cause };
}
