/**
 * Refuses at start what cannot work: fewer open files than the mesh needs connections, less memory than the slots need
 * for their proofs. Found out in the middle of a deadline it would cost the proof.
 */
import { readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import type { SlotFilter } from '../core/api.ts';
import { PosterError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { circuitName } from '../domain/parameters.ts';
import type { PoStProofType } from '../domain/proof.ts';
import type { Config } from './config.ts';
import { slotName } from './workers.ts';

export interface Machine {
	/** Most files that this process may have open; undefined where the system does not tell. */
	readonly openFiles: number | undefined;
	/** Of the machine, or of the control group that this process lives in. */
	readonly memoryBytes: number;
}

export interface Wanted {
	readonly config: Config;
	/** Peers of the roster. */
	readonly members: number;
	readonly proofTypes: readonly PoStProofType[];
	readonly slotFilters: readonly SlotFilter[];
	/** What this node proves of winning PoSt, one at a time. @default nothing */
	readonly winning?: readonly PoStProofType[];
}

/** Constraints of a circuit, which the memory of its proof grows with. */
const CONSTRAINTS: ReadonlyMap<PoStProofType, number> = new Map([
	[0, 90_750],
	[1, 230_670],
	[2, 300_630],
	[3, 370_590],
	[4, 391_314],
	[10, 21_866],
	[11, 64_266],
	[12, 85_466],
	[13, 125_279_217],
	[14, 129_887_900],
]);
/**
 * Beside the mapped parameters, which the system may drop: measured on a proof of 2,090,305 constraints, whose peak was
 * 2.51 GiB with 0.93 GiB of parameters. A 32 GiB partition follows from it: 100 GB.
 */
const BYTES_PER_CONSTRAINT = 800;
/** Store, control API, logs and the pipes of the workers. */
const OWN_FILES = 256;
const FILES_PER_WORKER = 8;
const CONNECTIONS_PER_MEMBER = 2;

export async function thisMachine(): Promise<Machine> {
	const constrained = process.constrainedMemory();
	const memoryBytes = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
	return { openFiles: await openFileLimit(), memoryBytes };
}

/** Throws `node-open-files`, `prover-memory`. */
export function checkResources(wanted: Wanted, machine: Machine): void {
	checkOpenFiles(wanted, machine);
	checkMemory(wanted, machine);
}

/** Bytes that one proof takes at its peak, beside the parameters. */
export function proofMemoryBytes(proofType: PoStProofType): number {
	return (CONSTRAINTS.get(proofType) ?? 0) * BYTES_PER_CONSTRAINT;
}

function checkOpenFiles({ config, members }: Wanted, { openFiles }: Machine): void {
	const { slots = [], external = [] } = config.prover ?? {};
	const connections = Math.min(CONNECTIONS_PER_MEMBER * members, limits.connections);
	const needed = OWN_FILES + connections + FILES_PER_WORKER * (slots.length + external.length);
	if (openFiles === undefined || openFiles >= needed) return;
	throw new PosterError('node-open-files', `this process may open ${openFiles} files, ${needed} are needed`, {
		advice: 'Raise the limit: `ulimit -n 65536` in the shell, LimitNOFILE=65536 in a systemd unit.',
		meta: { openFiles, needed },
	});
}

function checkMemory({ config, proofTypes, slotFilters, winning = [] }: Wanted, { memoryBytes }: Machine): void {
	const own = (config.prover?.slots ?? []).filter(({ worker }) => worker === undefined);
	const types = own.map((slot, index) => {
		const filter = slotFilters.find((known) => known.slot === slotName(slot, index));
		return largest(filter?.proofTypes ?? proofTypes);
	});
	if (config.winning?.worker === undefined) types.push(largest(winning));
	const needed = types.reduce<number>((sum, type) => sum + (type === undefined ? 0 : proofMemoryBytes(type)), 0);
	const available = config.prover?.memoryBytes ?? memoryBytes;
	if (needed <= available) return;
	const names = [...new Set(types.flatMap((type) => (type === undefined ? [] : [circuitName(type)])))];
	throw new PosterError(
		'prover-memory',
		`${own.length} slots for ${names.join(', ')} need ${gigabytes(needed)} of memory, there are ${gigabytes(available)}`,
		{
			advice:
				'Use fewer slots, keep them for smaller sectors with proof_types, or say with [prover] memory_bytes what they may take.',
			meta: { needed, available },
		},
	);
}

function largest(types: readonly PoStProofType[]): PoStProofType | undefined {
	return types.toSorted((a, b) => proofMemoryBytes(b) - proofMemoryBytes(a))[0];
}

function gigabytes(bytes: number): string {
	return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** The soft limit, which Node has raised to the hard one at its start. */
async function openFileLimit(): Promise<number | undefined> {
	if (process.platform !== 'linux') return undefined;
	const text = await readFile('/proc/self/limits', 'utf8');
	const soft = /^Max open files\s+(\d+|unlimited)/m.exec(text)?.[1];
	return soft === undefined || soft === 'unlimited' ? undefined : Number(soft);
}
