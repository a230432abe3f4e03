/**
 * What a chaos run proves: some miners whose deadlines follow one another, a few partitions each. Everything follows from
 * the beacon seed of the embedded chain, so the statements of a run are known before it starts.
 */
import { join } from 'node:path';
import { defaultCacheDir } from '../../src/adapters/native/build.ts';
import type { GenesisFile } from '../../src/cli/demo/genesis-file.ts';
import { prepareSectors, type SealedSectors } from '../../src/cli/demo/preparation.ts';
import { postChallenge } from '../../src/devnet/chain/randomness.ts';
import { actorId, hex32, sectorNumber } from '../../src/domain/ids.ts';
import type { PoStProofType } from '../../src/domain/proof.ts';
import type { PostStatement } from '../../src/ports/verifier.ts';

/** What `poster-node devnet` draws its beacon from by default. */
const BEACON_SEED = 'poster-devnet';
const WINDOW_2KIB = 10 as PoStProofType;
const FIRST_MINER = 1300;
const PARTITION_SECTORS = 2;
/** The real chain's: 48 deadlines of 60 epochs, the challenge 20 epochs before a deadline opens. */
const PERIOD_EPOCHS = 48 * 60;
const WINDOW_EPOCHS = 60;
const LOOKBACK_EPOCHS = 20;
/** Heads before the first challenge, from which the nodes learn how long an epoch is. */
const LEAD_EPOCHS = 10;

export interface PlannedItem {
	readonly miner: number;
	readonly deadline: number;
	readonly partition: number;
	readonly challenge: number;
	readonly open: number;
	readonly close: number;
	readonly statement: PostStatement;
}

export interface ChaosPlan {
	readonly epochMs: number;
	readonly startEpoch: number;
	/** From here on nothing of the run is open any more. */
	readonly endEpoch: number;
	readonly miners: readonly number[];
	readonly sealed: ReadonlyMap<number, SealedSectors>;
	readonly genesis: GenesisFile;
	readonly items: readonly PlannedItem[];
}

export interface PlanShape {
	readonly miners: number;
	/** Deadlines of each miner. */
	readonly deadlines: number;
	/** Of each deadline. */
	readonly partitions: number;
	readonly epochMs: number;
}

/** Seals what is missing. The miners' deadlines are spread evenly over the window, so that work comes in small portions. */
export async function makePlan(native: string, shape: PlanShape): Promise<ChaosPlan> {
	const miners = Array.from({ length: shape.miners }, (_, i) => FIRST_MINER + i);
	const offset = (miner: number): number => Math.floor(((miner - FIRST_MINER) * WINDOW_EPOCHS) / shape.miners);
	const perDeadline = shape.partitions * PARTITION_SECTORS;
	const sealed = new Map<number, SealedSectors>();
	for (const miner of miners) {
		const dir = join(defaultCacheDir(process.env), 'test-sectors', `f0${miner}`);
		const numbers = Array.from({ length: shape.deadlines * perDeadline }, (_, i) => i);
		sealed.set(miner, await prepareSectors(native, { dir, miner, numbers }, () => undefined));
	}
	const items = miners.flatMap((miner) =>
		Array.from({ length: shape.deadlines * shape.partitions }, (_, i) =>
			item(miner, 1 + Math.floor(i / shape.partitions), i % shape.partitions, offset(miner), shape, sealed),
		),
	);
	const genesis: GenesisFile = {
		miners: miners.map((miner) => ({
			id: miner,
			proofType: WINDOW_2KIB,
			periodOffset: offset(miner),
			sectors: sectorsOf(sealed, miner).map(({ number, commR, sealProof }) => ({
				...{ number, commR: commR ?? '', sealProof, deadline: 1 + Math.floor(number / perDeadline) },
			})),
		})),
	};
	return {
		epochMs: shape.epochMs,
		startEpoch: Math.min(...items.map(({ challenge }) => challenge)) - LEAD_EPOCHS,
		endEpoch: Math.max(...items.map(({ close }) => close)),
		miners,
		sealed,
		genesis,
		items,
	};
}

function item(
	miner: number,
	deadline: number,
	partition: number,
	offset: number,
	shape: PlanShape,
	sealed: ReadonlyMap<number, SealedSectors>,
): PlannedItem {
	const open = PERIOD_EPOCHS + offset + deadline * WINDOW_EPOCHS;
	const challenge = open - LOOKBACK_EPOCHS;
	const first = ((deadline - 1) * shape.partitions + partition) * PARTITION_SECTORS;
	const sectors = sectorsOf(sealed, miner).slice(first, first + PARTITION_SECTORS);
	return {
		...{ miner, deadline, partition, challenge, open, close: open + WINDOW_EPOCHS },
		statement: {
			proofType: WINDOW_2KIB,
			miner: actorId(miner),
			randomness: postChallenge(BEACON_SEED, actorId(miner), challenge),
			sectors: sectors.map(({ number, commR }) => ({ number: sectorNumber(number), commR: hex32(commR ?? '') })),
		},
	};
}

function sectorsOf(sealed: ReadonlyMap<number, SealedSectors>, miner: number): SealedSectors['sectors'] {
	return [...(sealed.get(miner)?.sectors ?? [])].sort((a, b) => a.number - b.number);
}
