/**
 * libp2p's logger on top of ours. libp2p logs every failed dial as an error, so its errors become debug lines; its
 * plain lines and traces are off, because they are formatted for every frame.
 */
import { format } from 'node:util';
import type { ComponentLogger, Logger } from '@libp2p/interface';
import type { Log } from '../../ports/log.ts';

export function componentLogger(log: Log): ComponentLogger {
	return { forComponent: (name) => scopedLogger(log, name) };
}

function scopedLogger(log: Log, component: string): Logger {
	const logger = (): void => undefined;
	return Object.assign(logger, {
		enabled: false,
		trace: (): void => undefined,
		error: (formatter: unknown, ...args: unknown[]): void => {
			log.debug({ component, detail: printf(formatter, args) }, 'libp2p error');
		},
		newScope: (name: string): Logger => scopedLogger(log, `${component}:${name}`),
	});
}

/** libp2p's placeholders %e %p %a %c %b %t %m %k are all "print this thing"; an error becomes its message. */
function printf(formatter: unknown, args: readonly unknown[]): string {
	const text = typeof formatter === 'string' ? formatter.replace(/%[a-z]/g, '%s') : String(formatter);
	return format(text, ...args.map((arg) => (arg instanceof Error ? `${arg.name}: ${arg.message}` : String(arg))));
}
