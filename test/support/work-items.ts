/** Work items and manifests for tests of what handles them. */
import { encodeManifest, manifestRoot } from '../../src/codec/manifest.ts';
import {
	actorId,
	deadlineIndex,
	epoch,
	type Hex32,
	hex32,
	partitionIndex,
	sectorNumber,
	workIdOf,
} from '../../src/domain/ids.ts';
import type { CommittedSector, Manifest } from '../../src/domain/manifest.ts';
import { challengeKeyOf, type WorkItem } from '../../src/domain/work.ts';
import { fakeCommR } from '../fakes/fake-proofs.ts';

export const MINER = actorId(1000);

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
	const { partition = 0, randomness = hex32(`${'5b'.repeat(31)}1b`), proofType = 10 } = options;
	return {
		id: workIdOf(`${partition}`.padStart(2, '0').repeat(32)),
		key: challengeKeyOf('ce'.repeat(16)),
		kind: 'post',
		nonce: 0,
		miner: MINER,
		periodStart: epoch(0),
		deadline: deadlineIndex(3),
		challenge: epoch(160),
		open: epoch(180),
		close: epoch(240),
		randomness,
		proofType,
		partition: partitionIndex(partition),
		sectorCount: sectors.length,
		sectorRoot: manifestRoot(encodeManifest(sectors.map((sector) => ({ updated: false, ...sector })))),
	};
}
