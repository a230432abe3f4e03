/** A child's stderr as log lines: bounded in length and number, so that a chatty child cannot fill memory or disk. */
import type { Readable } from 'node:stream';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';

/** How the worker begins a line that somebody should read. */
const TROUBLE = /^(WARN|ERROR) /;

export function logStderr(stderr: Readable, log: Log, clock: Clock): void {
	let rest = '';
	let windowStart = clock.now();
	let lines = 0;
	let dropped = 0;

	function emit(line: string): void {
		if (line.length === 0) return;
		if (clock.now() - windowStart >= limits.nativeStderrWindowMs) {
			if (dropped > 0) log.warn({ dropped }, 'native worker stderr lines were dropped');
			windowStart = clock.now();
			lines = 0;
			dropped = 0;
		}
		if (lines++ >= limits.nativeStderrLines) dropped++;
		else if (TROUBLE.test(line)) log.warn({ line }, 'native worker says');
		else log.info({ line }, 'native worker says');
	}

	stderr.setEncoding('utf8');
	stderr.on('data', (text: string) => {
		const parts = (rest + text).split('\n');
		rest = (parts.pop() ?? '').slice(0, limits.nativeStderrLineChars);
		for (const part of parts) emit(part.slice(0, limits.nativeStderrLineChars));
	});
	stderr.on('end', () => emit(rest));
	// The process's own exit tells what went wrong; a broken stderr pipe adds nothing to it.
	stderr.on('error', (cause) => log.debug({ cause }, 'native worker stderr broke'));
}
