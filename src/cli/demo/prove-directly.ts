/** One partition proven on this machine, without a mesh: open, check, prove, each in a worker of its own. */
import { join } from 'node:path';
import { NativeChecker } from '../../adapters/native/checker.ts';
import { NativeChild } from '../../adapters/native/native-child.ts';
import { NativeProverSlot } from '../../adapters/native/prover.ts';
import { NativeVanillaSource } from '../../adapters/native/vanilla-source.ts';
import { createClock } from '../../adapters/observe/clock.ts';
import { PosterError } from '../../domain/errors.ts';
import type { Log } from '../../ports/log.ts';
import type { VanillaSource } from '../../ports/vanilla.ts';
import type { PostStatement } from '../../ports/verifier.ts';

export interface DirectProver {
	readonly native: string;
	/** Empty folder. */
	readonly scratch: string;
	/** Storage folder. */
	readonly storage: string;
	readonly testParameters: string;
	readonly log: Log;
	/** Nice level of the workers. Default 10, as in a node. */
	readonly nice?: number;
}

/** 192 bytes. Rejects `demo-prove` when a sector cannot be opened, else as the workers do. */
export async function proveDirectly(prover: DirectProver, statement: PostStatement): Promise<Uint8Array> {
	const { native, scratch, storage, testParameters, log, nice = 10 } = prover;
	const clock = createClock();
	const signal = new AbortController().signal;
	const child = (mode: string, ...args: readonly string[]): NativeChild =>
		new NativeChild(
			{ clock, log },
			{ command: [native, mode, ...args], env: process.env, scratch: join(scratch, mode), nice },
		);
	const source = new NativeVanillaSource(child('vanilla', '--storage', storage), clock);
	const checker = new NativeChecker(child('check'), clock);
	const slot = new NativeProverSlot('demo', child('prove', '--params', testParameters, '--test-params'), clock);
	try {
		const session = await checker.begin(statement, join(scratch, 'spool'));
		await gather(source, statement, async (sector, proof) => {
			const verdict = await session.check(sector, proof);
			if (!verdict.ok) throw new PosterError('demo-prove', `sector ${sector} fails the check: ${verdict.detail}`);
		});
		await session.finish();
		const made = await slot.prove({ statement, spool: session.spool }, () => undefined, signal);
		return made.proof;
	} finally {
		await Promise.all([source.close(), checker.close(), slot.close()]);
	}
}

async function gather(
	source: VanillaSource,
	statement: PostStatement,
	take: (sector: PostStatement['sectors'][number]['number'], proof: Uint8Array) => Promise<void>,
): Promise<void> {
	for await (const opened of source.open(statement, new AbortController().signal)) {
		if ('failure' in opened) {
			throw new PosterError('demo-prove', `sector ${opened.sector} cannot be opened: ${opened.detail}`);
		}
		await take(opened.sector, opened.proof);
	}
}
