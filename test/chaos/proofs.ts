/** Makes the proofs of a run beforehand, with the real worker. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NativeChecker } from '../../src/adapters/native/checker.ts';
import { NativeChild } from '../../src/adapters/native/native-child.ts';
import { NativeProverSlot } from '../../src/adapters/native/prover.ts';
import { encodeSectorList } from '../../src/adapters/native/sector-list.ts';
import { NativeVanillaSource } from '../../src/adapters/native/vanilla-source.ts';
import type { PostStatement } from '../../src/ports/verifier.ts';
import { silentLog } from '../support/silent-log.ts';
import { systemClock } from '../support/system-clock.ts';
import { keep, proofName } from './proofs-cache.ts';

export interface ProofKitchen {
	readonly native: string;
	readonly testParameters: string;
	/** Where the proofs are kept. */
	readonly folder: string;
}

export interface ProofOrder {
	readonly statement: PostStatement;
	/** Storage folder that holds its sectors. */
	readonly storage: string;
}

/** Makes what is missing, one after another. `onMade` is called after each. */
export async function prepareProofs(
	{ native, testParameters, folder }: ProofKitchen,
	orders: readonly ProofOrder[],
	onMade: (left: number) => void,
): Promise<void> {
	await mkdir(folder, { recursive: true });
	const missing = orders.filter(({ statement }) => !existsSync(join(folder, nameOf(statement))));
	if (missing.length === 0) return;
	const scratch = await mkdtemp(join(tmpdir(), 'poster-proofs-'));
	const child = (mode: string, ...args: readonly string[]): NativeChild =>
		new NativeChild(
			{ clock: systemClock, log: silentLog },
			{ command: [native, mode, ...args], env: process.env, scratch: join(scratch, mode), nice: 15 },
		);
	const storages = [...new Set(missing.map(({ storage }) => storage))];
	const source = new NativeVanillaSource(
		child('vanilla', ...storages.flatMap((dir) => ['--storage', dir])),
		systemClock,
	);
	const checker = new NativeChecker(child('check'), systemClock);
	const slot = new NativeProverSlot('chaos', child('prove', '--params', testParameters, '--test-params'), systemClock);
	try {
		for (const [done, { statement }] of missing.entries()) {
			const proof = await prove(statement, { source, checker, slot }, join(scratch, 'spool'));
			await keep(join(folder, nameOf(statement)), proof);
			onMade(missing.length - done - 1);
		}
	} finally {
		await Promise.all([source.close(), checker.close(), slot.close()]);
		await rm(scratch, { recursive: true });
	}
}

function nameOf({ proofType, miner, randomness, sectors }: PostStatement): string {
	return proofName(proofType, miner, randomness, encodeSectorList(sectors));
}

interface Workers {
	readonly source: NativeVanillaSource;
	readonly checker: NativeChecker;
	readonly slot: NativeProverSlot;
}

async function prove(statement: PostStatement, { source, checker, slot }: Workers, spool: string): Promise<Uint8Array> {
	const { signal } = new AbortController();
	const session = await checker.begin(statement, spool);
	for await (const opened of source.open(statement, signal)) {
		if ('failure' in opened) throw new Error(`sector ${opened.sector} cannot be opened: ${opened.detail}`);
		const verdict = await session.check(opened.sector, opened.proof);
		if (!verdict.ok) throw new Error(`sector ${opened.sector} fails the check: ${verdict.detail}`);
	}
	await session.finish();
	const { proof } = await slot.prove({ statement, spool: session.spool }, () => undefined, signal);
	await session.drop();
	return proof;
}
