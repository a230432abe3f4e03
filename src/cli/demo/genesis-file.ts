/** The genesis of a devnet as a JSON file: miners with their sectors, and rules that differ from the real chain's. */
import { z } from 'zod';
import type { GenesisMiner } from '../../devnet/genesis.ts';
import type { Policy } from '../../devnet/policy.ts';
import { PosterError } from '../../domain/errors.ts';
import { hex32 } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { PoStProofType } from '../../domain/proof.ts';
import { readSmallFile } from '../../node/files.ts';

const SectorShape = z.strictObject({
	number: z.int().min(0),
	commR: z
		.string()
		.regex(/^[0-9a-f]{64}$/, 'is no 64 hex digits')
		.transform(hex32),
	sealProof: z.int(),
	updated: z.boolean().optional(),
	deadline: z.int().min(0).optional(),
});

const MinerShape = z.strictObject({
	id: z.int(),
	/** RegisteredPoStProof of window PoSt. */
	proofType: z
		.int()
		.min(10)
		.max(14)
		.transform((type) => type as PoStProofType),
	periodOffset: z.int().min(0).optional(),
	workerKeyType: z.enum(['secp256k1', 'bls']).default('secp256k1'),
	sectors: z.array(SectorShape),
});

const count = z.int().min(0).optional();
const GenesisShape = z.strictObject({
	miners: z.array(MinerShape).min(1),
	policy: z
		.strictObject({
			periodDeadlines: count,
			challengeWindow: count,
			challengeLookback: count,
			faultDeclarationCutoff: count,
			disputeWindow: count,
		})
		.prefault({}),
});

export type GenesisFile = z.input<typeof GenesisShape>;

export interface GenesisContent {
	readonly miners: readonly GenesisMiner[];
	readonly policy: Partial<Policy>;
}

function required(file: string, bytes: Buffer | undefined): string {
	if (bytes === undefined) throw new Error(`${file} does not exist`);
	return bytes.toString('utf8');
}

/** Rejects `devnet-genesis`. */
export async function readGenesis(file: string): Promise<GenesisContent> {
	let content: unknown;
	try {
		content = JSON.parse(required(file, await readSmallFile(file, limits.devnetGenesisBytes)));
	} catch (error) {
		throw new PosterError('devnet-genesis', `${file} cannot be read: ${(error as Error).message}`, {
			cause: error,
			advice: 'It is a JSON file; docs/devnet.md shows its shape.',
		});
	}
	return parseGenesis(content, file);
}

export function parseGenesis(content: unknown, name: string): GenesisContent {
	const parsed = GenesisShape.safeParse(content);
	if (!parsed.success) {
		throw new PosterError('devnet-genesis', `${name} is no genesis:\n${z.prettifyError(parsed.error)}`, {
			advice: 'docs/devnet.md shows its shape.',
		});
	}
	const { miners, policy } = parsed.data;
	return { miners: miners.map(toMiner), policy: withoutUndefined(policy) };
}

function toMiner({ workerKeyType, sectors, ...miner }: z.output<typeof MinerShape>): GenesisMiner {
	return {
		...withoutUndefined(miner),
		workerKey: { type: workerKeyType },
		sectors: sectors.map((sector) => withoutUndefined(sector)),
	} as GenesisMiner;
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** zod says `undefined` for what was left out; optional properties here are absent instead. */
function withoutUndefined<T extends object>(value: T): Partial<Defined<T>> {
	return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Partial<Defined<T>>;
}
