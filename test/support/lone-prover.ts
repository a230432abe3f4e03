/** A process that starts one proof, tells the worker's process id when it runs, and waits for its own end. */
import { NativeProverSlot } from '../../src/adapters/native/prover.ts';
import type { ProofJob } from '../../src/ports/prover.ts';
import { nativeChild } from './native-fixtures.ts';
import { systemClock } from './system-clock.ts';

/** Serialisable form of a job whose sectors fill the spool in order. */
export interface LoneJob {
	readonly params: string;
	readonly path: string;
	readonly statement: ProofJob['statement'];
	/** The worker stands still when its process id is told. */
	readonly paused: boolean;
}

const { params, path, statement, paused } = JSON.parse(process.argv[2] ?? '') as LoneJob;
const child = await nativeChild('prove', '--params', params, '--test-params');
const slot = new NativeProverSlot('lone', child, systemClock);
const slotOf: ProofJob['spool']['slotOf'] = (sector) => statement.sectors.findIndex(({ number }) => number === sector);
const told = (): void => {
	if (paused) slot.pause();
	process.send?.(child.pid);
};
await slot.prove({ statement, spool: { path, slotOf } }, told, new AbortController().signal);
