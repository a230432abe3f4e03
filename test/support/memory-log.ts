/** A log that keeps its entries, so that a test can look at what an operator would have read. */
import type { Log } from '../../src/ports/log.ts';

export interface LogEntry {
	readonly level: 'debug' | 'info' | 'warn' | 'error';
	readonly message: string;
	readonly facts: object;
}

export interface MemoryLog extends Log {
	readonly entries: readonly LogEntry[];
}

export function memoryLog(entries: LogEntry[] = [], context: object = {}): MemoryLog {
	const at =
		(level: LogEntry['level']) =>
		(facts: object, message: string): void => {
			entries.push({ level, message, facts: { ...context, ...facts } });
		};
	return {
		entries,
		debug: at('debug'),
		info: at('info'),
		warn: at('warn'),
		error: at('error'),
		child: (facts) => memoryLog(entries, { ...context, ...facts }),
	};
}
