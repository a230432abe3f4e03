/** The provers of others (docs/prover-protocol.md): which processes run, and the slots that they make. */
import { basename } from 'node:path';
import { DAMOCLES_LINES } from '../adapters/native/damocles-lines.ts';
import { damoclesDialect } from '../adapters/native/damocles-prover.ts';
import type { NativeChild } from '../adapters/native/native-child.ts';
import { NativeProverSlot } from '../adapters/native/prover.ts';
import type { WorkerOptions } from '../adapters/native/worker-process.ts';
import type { Clock } from '../ports/clock.ts';
import type { ExternalProverConfig } from './config.ts';

export type OpenChild = (
	name: string,
	line: readonly [string, ...string[]],
	options: Pick<WorkerOptions, 'readyMs' | 'format' | 'tmpDir'> & {
		readonly env: Readonly<Record<string, string>>;
		readonly cpus?: string | undefined;
		readonly nice?: number | undefined;
	},
) => NativeChild;

/**
 * The slots of one entry, `concurrency` of them. A prover of frames is one process that takes as many jobs at a time; of
 * a Damocles prover each slot has its own, since only its death ends a proof that is not wanted any more.
 */
export function externalSlots(
	entry: ExternalProverConfig,
	index: number,
	folders: readonly string[],
	open: OpenChild,
	clock: Clock,
): readonly NativeProverSlot[] {
	const { bin, args, protocol, readyTimeoutMs, cpus, nice } = entry;
	const env = Object.fromEntries(entry.env as readonly (readonly [string, string])[]);
	const isDamocles = protocol === 'damocles';
	const options = {
		env,
		readyMs: readyTimeoutMs,
		cpus,
		nice,
		tmpDir: env['TMPDIR'],
		...(isDamocles && { format: DAMOCLES_LINES }),
	};
	const names = externalSlotNames(entry, index);
	const openNamed = (name: string): NativeChild => open(name, [bin, ...args], options);
	const shared = isDamocles ? undefined : openNamed(`external-${index}`);
	return names.map((name, k) => {
		const child = shared ?? openNamed(`external-${index}-${k}`);
		return isDamocles
			? new NativeProverSlot(name, child, clock, damoclesDialect(folders))
			: new NativeProverSlot(name, child, clock);
	});
}

/** As they stand in records, claims and logs. */
export function externalSlotNames({ bin, concurrency }: ExternalProverConfig, index: number): readonly string[] {
	const name = `external-${index}-${basename(bin).slice(0, 32)}`;
	return Array.from({ length: concurrency }, (_, k) => (concurrency === 1 ? name : `${name}-${k}`));
}
