/**
 * What the demo runs: one miner with four partitions in one deadline, a second miner that the mesh does not know, and
 * seven nodes. The deadline has the real chain's structure (48 deadlines of 60 epochs, challenge 20 epochs before open).
 */
import { join } from 'node:path';
import { actorId, deadlineIndex } from '../../domain/ids.ts';
import type { ChainStarted } from './chain-desk.ts';
import type { GenesisFile } from './genesis-file.ts';
import type { MemberPlan, MeshPlan } from './mesh-homes.ts';
import type { SealedSectors } from './preparation.ts';

export const NETWORK = 'poster-demo';
export const MINER = actorId(1000);
/** Named by no roster: its one proof is the tampered one. */
export const CONTROL_MINER = actorId(1001);
export const DEADLINE = deadlineIndex(1);
export const EPOCH_MS = 1000;
const WINDOW_2KIB = 10;
const PERIOD_EPOCHS = 48 * 60;
export const OPEN = PERIOD_EPOCHS + DEADLINE * 60;
export const CLOSE = OPEN + 60;
export const CHALLENGE = OPEN - 20;
/** Some heads before the challenge, from which the nodes learn how long an epoch is. */
export const START = CHALLENGE - 10;

/** Two sectors of 2 KiB make a partition. */
export const SECTORS = { storage1: [0, 1, 2, 3, 4], storage2: [3, 4, 5, 6, 7], control: [0, 1] } as const;
export const PARTITIONS = 4;

export const BOOTSTRAP = 'bootstrap-1';
/** Each chain node has a full node of its own; that of index 0 is the demo's. */
export const FULL_NODES: Readonly<Record<string, number>> = { 'chain-1': 1, 'chain-2': 2 };

export interface DemoSectors {
	readonly storage1: SealedSectors;
	readonly storage2: SealedSectors;
	readonly control: SealedSectors;
}

export function demoGenesis({ storage1, storage2, control }: DemoSectors): GenesisFile {
	const miner = (id: number, sealed: readonly SealedSectors[]): GenesisFile['miners'][number] => {
		const all = new Map(sealed.flatMap(({ sectors }) => sectors.map((sector) => [sector.number, sector])));
		return {
			id,
			proofType: WINDOW_2KIB,
			periodOffset: 0,
			sectors: [...all.values()]
				.sort((a, b) => a.number - b.number)
				.map((sector) => ({ ...sector, deadline: DEADLINE })),
		} as GenesisFile['miners'][number];
	};
	return { miners: [miner(MINER, [storage1, storage2]), miner(CONTROL_MINER, [control])] };
}

export function demoMesh(root: string, chain: ChainStarted, sectors: DemoSectors): MeshPlan {
	const miner = chain.miners.find((candidate) => candidate.miner === `f0${MINER}`);
	if (miner === undefined) throw new Error(`the chain does not name f0${MINER}`);
	const storage = (name: string, { dir }: SealedSectors): MemberPlan => ({
		name,
		example: 'storage',
		roles: ['storage'],
		config: { storage: { paths: [dir] } },
	});
	const prover = (name: string): MemberPlan => ({
		name,
		example: 'prover',
		roles: ['prover'],
		slots: 2,
		config: { prover: { slots: 2 } },
	});
	const chainNode = (name: string, wallet: string, permission: string): MemberPlan => ({
		name,
		example: 'chain-submitter',
		roles: ['chain', 'submitter'],
		config: {
			chain: {
				url: (chain.urls[FULL_NODES[name] ?? 0] ?? chain.url).replace(/^http/, 'ws'),
				token_file: join(chain.dir, `token-${permission}`),
			},
			submitter: { miners: [{ miner: miner.miner, wallet }] },
		},
	});
	return {
		root,
		network: NETWORK,
		miners: [{ miner: MINER, sender: miner.sender }],
		config: {
			network: { listen: ['/ip4/127.0.0.1/tcp/0'] },
			proofs: { test_parameters: chain.testParameters },
		},
		members: [
			{ name: BOOTSTRAP, example: 'bootstrap', roles: ['bootstrap'] },
			storage('storage-1', sectors.storage1),
			storage('storage-2', sectors.storage2),
			prover('prover-1'),
			prover('prover-2'),
			// Both ways to sign: a key file beside the node, and the wallet of the full node.
			chainNode('chain-1', miner.keyFile, 'write'),
			chainNode('chain-2', 'node', 'sign'),
		],
	};
}
