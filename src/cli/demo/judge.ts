/** Judges a demo by what stands on the chain, and gathers what the nodes measured. */
import { minerAddress } from '../../codec/address.ts';
import type { StatisticsReport } from '../../devnet/statistics.ts';
import { type ClaimsReport, COMPUTE_STEPS, type StepMs } from '../../node/control-api.ts';
import type { Disputes, Receipt } from './chain-desk.ts';
import type { Cluster } from './cluster.ts';
import type { Observer } from './observer.ts';
import { CONTROL_MINER, MINER, PARTITIONS } from './plan.ts';
import { type DemoSummary, median } from './summary.ts';
import type { Abandoned, Kill } from './victims.ts';

export interface Evidence {
	readonly stats: StatisticsReport;
	/** Sectors of the mesh's miner that are faulty: a proof that skips them is accepted too. */
	readonly faults: number;
	readonly kills: readonly Kill[];
	readonly abandoned: readonly Abandoned[];
	/** Receipt of the message with the tampered proof. */
	readonly tampered: Receipt;
	/** Of every recorded proof of the mesh's miner. */
	readonly honest: Disputes;
	readonly control: Disputes;
	readonly stageMs: DemoSummary['stageMs'];
	readonly died: readonly string[];
	readonly wallMs: number;
}

export function judge(evidence: Evidence): DemoSummary {
	const { stats, faults, kills, abandoned, tampered, stageMs, died, wallMs } = evidence;
	const own = stats.partitions.filter(({ miner }) => miner === minerAddress(MINER));
	const control = stats.partitions.filter(({ miner }) => miner === minerAddress(CONTROL_MINER));
	const proven = own.filter(({ accepted }) => accepted > 0).length;
	const missed = own.filter((partition) => partition.missed).length;
	const duplicateSubmissions = own.reduce((sum, { messages }) => sum + Math.max(0, messages - 1), 0);
	const takeoverMs = abandoned.flatMap(({ claim, wallMs: killMs }) =>
		claim === undefined ? [] : claim.wallMs - killMs,
	);
	const disputes = {
		honest: evidence.honest.made,
		honestSurvived: evidence.honest.survived,
		tampered: control.filter(({ accepted }) => accepted > 0).length,
		tamperedLost: evidence.control.lost,
	};
	const rules: readonly (readonly [holds: boolean, failure: string])[] = [
		[proven === PARTITIONS, `${proven} of ${PARTITIONS} partitions were accepted`],
		[missed === 0, `${missed} partitions were missed`],
		[faults === 0, `${faults} sectors were given up as faulty`],
		[duplicateSubmissions === 0, `${duplicateSubmissions} messages were paid for in vain`],
		[kills.length > 0, 'nobody was killed'],
		[
			takeoverMs.length === abandoned.length,
			`${takeoverMs.length} of ${abandoned.length} partitions of the dead were taken over`,
		],
		[disputes.honest === proven, `${disputes.honest} of ${proven} accepted proofs were disputed`],
		[disputes.honestSurvived === disputes.honest, 'an accepted proof lost its dispute'],
		[tampered.exitCode === 0 && disputes.tampered === 1, 'the chain did not record the tampered proof'],
		[disputes.tamperedLost === 1, 'the tampered proof survived its dispute'],
		[died.length === 0, `nodes ended by themselves: ${died.join(', ')}`],
	];
	const failures = rules.filter(([holds]) => !holds).map(([, failure]) => failure);
	return {
		ok: failures.length === 0,
		partitions: PARTITIONS,
		proven,
		missed,
		faults,
		killed: kills.length,
		victims: kills.map(({ name }) => name),
		takeovers: takeoverMs.length,
		takeoverMs,
		duplicateSubmissions,
		disputes,
		stageMs,
		wallMs,
		failures,
		folder: null,
	};
}

/** Medians over the partitions, each as the node measured it that made the accepted result; the dead tell nothing. */
export async function measure(
	cluster: Cluster,
	observer: Observer,
	report: ClaimsReport | undefined,
): Promise<DemoSummary['stageMs']> {
	const claims = report?.claims.filter(({ kind }) => kind === 'post') ?? [];
	const measured: StepMs[] = [];
	for (const { work, result } of claims) {
		const prover = result === null ? undefined : cluster.nodes.get(result.prover);
		if (prover?.running !== true) continue;
		const { times } = await prover.get<{ times: Readonly<Record<string, StepMs>> }>('/times');
		measured.push(times[work] ?? {});
	}
	const defined = (values: readonly (number | undefined)[]): number[] => values.filter((value) => value !== undefined);
	const steps = COMPUTE_STEPS.map((step) => [step, median(defined(measured.map((times) => times[step])))] as const);
	const submit = median(defined(claims.map(({ work }) => observer.submitMs(work))));
	return { ...Object.fromEntries(steps), submit } as DemoSummary['stageMs'];
}
