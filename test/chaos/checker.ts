/** Judges a run by what stands on the chain and what the nodes and the observer told. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChainDesk } from '../../src/cli/demo/chain-desk.ts';
import type { PartitionStatistics } from '../../src/devnet/statistics.ts';
import { actorId, deadlineIndex } from '../../src/domain/ids.ts';
import { limits } from '../../src/domain/limits.ts';
import type { ClaimRow } from '../../src/node/control-api.ts';
import type { Fault } from './faults.ts';
import type { ChaosMesh, NodeShape } from './mesh.ts';
import type { Observer } from './observer.ts';
import { excuse, type Needs } from './oracle.ts';
import type { ChaosPlan, PlannedItem } from './plan.ts';

export interface Judgement {
	readonly items: number;
	/** By name of the partition. */
	readonly missed: readonly string[];
	readonly excusedBy: Readonly<Record<string, number>>;
	readonly paidTwice: number;
	readonly violations: readonly string[];
}

export interface Evidence {
	readonly mesh: ChaosMesh;
	readonly plan: ChaosPlan;
	readonly faults: readonly Fault[];
	readonly observer: Observer;
	readonly needs: Needs;
	/** Wall milliseconds of an epoch of the chain. */
	readonly wallOf: (epoch: number) => number;
	/** What the nodes know of their work items at the end. */
	readonly rows: readonly ClaimRow[];
}

/** Alarms that only a lie, a bug or a miss raises: nobody lies here. */
const FOUL_ALARMS: readonly string[] = ['bad-result', 'bad-submission', 'equivocation', 'announcement-differs'];

/** The nodes must have ended: the chain is hurried on, so that disputes are settled. */
export async function judge(evidence: Evidence): Promise<Judgement> {
	const { mesh, plan } = evidence;
	const { partitions } = await mesh.cluster.chain.stats();
	const byName = new Map(partitions.map((row) => [nameOf(row.miner, row), row]));
	const rows = plan.items.map((item) => ({ item, row: byName.get(nameOf(`f0${item.miner}`, item)) }));
	const excusedBy: Record<string, number> = {};
	const missed: string[] = [];
	for (const { item, row } of rows) {
		if (row !== undefined && row.accepted > 0 && !row.missed) continue;
		const why = excuseOf(item, evidence, mesh.shape);
		if (why === undefined) missed.push(nameOf(`f0${item.miner}`, item));
		else excusedBy[why] = (excusedBy[why] ?? 0) + 1;
	}
	const paid = await paidTwice(rows, evidence);
	return {
		items: plan.items.length,
		missed,
		excusedBy,
		paidTwice: paid.all,
		violations: [
			...paid.violations,
			...reuses(evidence),
			...alarms(evidence),
			...deaths(mesh),
			...(await disputes(evidence)),
		],
	};
}

function nameOf(miner: string, { deadline, partition }: { deadline: number; partition: number }): string {
	return `${miner}/${deadline}/${partition}`;
}

function excuseOf(
	{ challenge, open, close }: PlannedItem,
	{ wallOf, needs, faults, plan }: Evidence,
	shape: readonly NodeShape[],
): string | undefined {
	const window = {
		challengeMs: wallOf(challenge + 1),
		openMs: wallOf(open),
		closeMs: wallOf(close),
		epochMs: plan.epochMs,
	};
	return excuse(window, needs, faults, shape);
}

/** A second message within the last epochs before close is one of the two cases in which it may be. */
async function paidTwice(
	rows: readonly { readonly item: PlannedItem; readonly row: PartitionStatistics | undefined }[],
	{ mesh, rows: known }: Evidence,
): Promise<{ readonly all: number; readonly violations: readonly string[] }> {
	const violations: string[] = [];
	let all = 0;
	for (const { item, row } of rows) {
		if (row === undefined || row.messages < 2) continue;
		all += row.messages - 1;
		const name = nameOf(`f0${item.miner}`, item);
		const work = known.find((claim) => nameOf(claim.miner, claim) === name)?.work;
		const heights = await landed(mesh, work);
		const late = heights.filter((height) => height >= item.close - limits.lastEpochs);
		const told = `${name} was paid for ${row.messages} times, at heights ${heights.join(', ')}`;
		if (heights.length - late.length > 1 || heights.length < row.messages) violations.push(told);
	}
	return { all, violations };
}

/** Heights of the messages for a work item that are on the chain. */
async function landed(mesh: ChaosMesh, work: string | undefined): Promise<readonly number[]> {
	const pushed = mesh.events.filter(({ type, facts }) => type === 'push' && facts['work'] === work);
	const heights: number[] = [];
	for (const cid of new Set(pushed.map(({ facts }) => facts['cid']))) {
		const params = [null, { '/': cid }, -1, true];
		const found = await mesh.cluster.chain.call<{ Height: number } | null>('Filecoin.StateSearchMsg', params);
		if (found !== null) heights.push(found.Height);
	}
	return heights.sort((a, b) => a - b);
}

/** A key that is in use twice says things twice: that is what its alarm is for. */
function reuses({ observer, mesh, faults }: Evidence): readonly string[] {
	const cloned = faults.filter(({ kind }) => kind === 'clone').flatMap(({ victims }) => victims);
	return observer.reuses.flatMap(({ from, incarnation, sequence }) => {
		const name = [...mesh.cluster.nodes.values()].find(({ home }) => home.identity.id === from)?.name ?? from;
		return cloned.includes(name) ? [] : [`${name} said (${incarnation}, ${sequence}) twice`];
	});
}

function alarms({ mesh }: Evidence): readonly string[] {
	return mesh.events.flatMap(({ type, node, facts }) => {
		const code = String(facts['code']);
		return type === 'alarm' && FOUL_ALARMS.includes(code) ? [`${node} raised ${code} about ${facts['subject']}`] : [];
	});
}

function deaths(mesh: ChaosMesh): readonly string[] {
	return [...mesh.cluster.nodes.values()].flatMap(({ name, died }) => (died === undefined ? [] : [`${name}: ${died}`]));
}

/** Disputes every recorded proof: the chain verifies it, and of a good one says so. */
async function disputes({ mesh, plan }: Evidence): Promise<readonly string[]> {
	const { chain } = mesh.cluster;
	const hurry = new AbortController();
	const mining = mineUntil(chain, hurry.signal);
	const bad: string[] = [];
	try {
		for (const [miner, deadline] of deadlinesOf(plan)) {
			const { made, survived } = await chain.disputeAll(actorId(miner), deadlineIndex(deadline));
			if (survived < made) bad.push(`${made - survived} of ${made} proofs of f0${miner}/${deadline} do not verify`);
		}
	} finally {
		hurry.abort();
		await mining;
	}
	return bad;
}

const MINE_PAUSE_MS = 50;

/** Messages land without waiting for the clock. */
async function mineUntil(chain: ChainDesk, signal: AbortSignal): Promise<void> {
	await chain.call('Devnet.Pause');
	while (!signal.aborted) {
		await chain.call('Devnet.Mine', [1, 0]);
		await sleep(MINE_PAUSE_MS);
	}
}

function deadlinesOf({ items }: ChaosPlan): readonly (readonly [number, number])[] {
	const all = new Map(items.map(({ miner, deadline }) => [`${miner}/${deadline}`, [miner, deadline] as const]));
	return [...all.values()];
}
