/** Work items and manifests for tests of what handles them. */
import { encodeManifest, manifestRoot } from '../../src/codec/manifest.ts';
import { type Hex32, partitionIndex, sectorNumber, workIdOf } from '../../src/domain/ids.ts';
import type { CommittedSector, Manifest } from '../../src/domain/manifest.ts';
import { challengeKeyOf, type WorkItem } from '../../src/domain/work.ts';
import { fakeCommR } from '../fakes/fake-proofs.ts';
import { DUE_CHALLENGE, MINER } from './core.ts';

/** Sectors of `MINER` that nobody sealed, for the fakes. */
export function fakeManifest(...numbers: readonly number[]): Manifest {
	return numbers.map((number) => ({
		number: sectorNumber(number),
		commR: fakeCommR(MINER, number),
		updated: false,
	}));
}

export interface WorkOptions {
	readonly partition?: number;
	readonly randomness?: Hex32;
	readonly proofType?: number;
}

/** A due partition of these sectors. */
export function workOf(sectors: readonly CommittedSector[], options: WorkOptions = {}): WorkItem {
	const { partition = 0, randomness = DUE_CHALLENGE.randomness, proofType = 10 } = options;
	return {
		id: workIdOf(`${partition}`.padStart(2, '0').repeat(32)),
		key: challengeKeyOf('ce'.repeat(16)),
		...DUE_CHALLENGE,
		randomness,
		proofType,
		partition: partitionIndex(partition),
		sectorCount: sectors.length,
		sectorRoot: manifestRoot(encodeManifest(sectors.map((sector) => ({ updated: false, ...sector })))),
	};
}
