/** The table of `bench prove`: what one partition takes in each slot, phase by phase. */
import type { SelfTested } from '../../adapters/native/self-test.ts';
import { circuitName } from '../../domain/parameters.ts';
import type { BenchResult, BenchStep } from '../../node/bench-prove.ts';
import type { Spread } from '../../node/proof-times.ts';
import { duration } from './duration.ts';
import { type Column, renderTable } from './table.ts';

interface Row extends Spread {
	readonly what: string;
	/** Part of the median of the whole proof. */
	readonly share: number;
}

const PERCENT = 100;

const columns: readonly Column<Row>[] = [
	{ title: 'Phase', align: 'left', cell: ({ what }) => what },
	{ title: 'p50', align: 'right', cell: ({ p50Ms }) => duration(p50Ms) },
	{ title: 'p95', align: 'right', cell: ({ p95Ms }) => duration(p95Ms) },
	{ title: 'Share', align: 'right', cell: ({ share }) => `${Math.round(share * PERCENT)} %` },
];

export function renderSelfTest({ proofType, stockMs, ownMs }: SelfTested): string {
	const times = `${duration(ownMs)}, the library's ${duration(stockMs)}`;
	return `${circuitName(proofType)}: our prover made the proof of the library, bit for bit. Its first one took ${times}.`;
}

export function renderBench(result: BenchResult): string {
	const { slot, proof, sectors, engine, repetitions, firstMs, whole, phases, peakRssMb, partitionsPerHour } = result;
	const row = (what: string, spread: Spread): Row => ({ what, ...spread, share: spread.p50Ms / whole.p50Ms });
	const rows = [...Object.entries(phases).map(([name, spread]) => row(name, spread)), row('whole proof', whole)];
	return [
		`${proof} in ${slot} on ${madeBy(engine, result.device)}: a partition of ${sectors} sectors, ${repetitions} proofs, all verified`,
		renderTable(columns, rows),
		`The first one took ${duration(firstMs)}. ${partitionsPerHour} partitions an hour, one after another.${memory(peakRssMb)}`,
	].join('\n');
}

export function renderBenchStep({ slot, proof, repetition, repetitions, phase }: BenchStep): string {
	const which = repetition === 0 ? 'warming up' : `proof ${repetition} of ${repetitions}`;
	return `${proof} in ${slot}, ${which}: ${phase ?? 'verifying'}`;
}

function madeBy(engine: BenchResult['engine'], device: string): string {
	return engine === 'own' ? `${device} by our prover` : device;
}

function memory(peakRssMb: number | null): string {
	return peakRssMb === null ? '' : ` Peak memory ${peakRssMb} MiB, mapped parameters included.`;
}
