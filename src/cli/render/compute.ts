/** The table of `poster-node compute`: one line per partition with the time of each step. */
import { COMPUTE_STEPS, type ComputePartition, type ComputeState } from '../../node/control-api.ts';
import { duration } from './duration.ts';
import { type Column, renderTable } from './table.ts';

const columns: readonly Column<ComputePartition>[] = [
	{ title: 'Partition', align: 'right', cell: ({ partition }) => String(partition) },
	{ title: 'Sectors', align: 'right', cell: ({ sectors }) => String(sectors) },
	{ title: 'Skipped', align: 'right', cell: ({ skipped }) => String(skipped.length) },
	{ title: 'Holder', align: 'left', cell: ({ holder }) => holder ?? '-' },
	{ title: 'Phase', align: 'left', cell: phase },
	...COMPUTE_STEPS.map(
		(step): Column<ComputePartition> => ({
			title: `${step.charAt(0).toUpperCase()}${step.slice(1)}`,
			align: 'right',
			cell: ({ stepMs }) => (stepMs[step] === undefined ? '-' : duration(stepMs[step])),
		}),
	),
	{ title: 'Error', align: 'left', cell: ({ error }) => (error === null ? '-' : { text: error, style: 'red' }) },
];

export function renderCompute(state: ComputeState, width?: number): string {
	const { miner, deadline, wallMs, partitions } = state;
	if (state.state === 'empty') return `Deadline ${deadline} of ${miner} has nothing to prove.`;
	const proven = partitions.filter(({ proof }) => proof !== null).length;
	const head = `Deadline ${deadline} of ${miner}: ${proven} of ${partitions.length} partitions proven, ${duration(wallMs)} (${state.state})`;
	const foot = state.submit ? 'Proven for the chain: the submitters send it.' : 'A dry run: nothing was sent.';
	const why = state.error === null ? [] : [state.error, ''];
	return [head, '', ...why, renderTable(columns, partitions, width), '', foot].join('\n');
}

function phase({ phase: name, permille }: ComputePartition): string {
	return permille > 0 && permille < 1000 ? `${name} ${Math.floor(permille / 10)}%` : name;
}
