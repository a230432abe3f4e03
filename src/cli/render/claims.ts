/** The table of `poster-node claims`: every open partition, who works on it, and why this node does not. */
import { styleText } from 'node:util';
import type { ClaimRow, ClaimsReport } from '../../node/control-api.ts';
import { duration, epochText } from './duration.ts';
import { type Cell, type Column, renderTable } from './table.ts';

/** Reasons of the core (`WaitReason`) in words; an unknown one is shown as it came. */
const WHY: Readonly<Record<string, string>> = {
	own: 'ours',
	'no-prover-role': 'not a prover',
	'not-my-miner': 'roster gives us other miners',
	'proof-type': 'no slot for this sector size',
	'slot-filter': 'our slots are for others',
	quarantined: 'crashes our provers',
	'too-late': 'no time left for a proof',
	'not-held-here': 'our prover needs all sectors here',
	'not-synced': 'still syncing',
	stopping: 'this node is stopping',
	'key-cloned': 'our key is in use elsewhere',
	'one-announcer': 'only one announcer so far',
	'announcement-differs': 'announcers disagree',
	cancelled: 'withdrawn by the announcer',
	'no-manifest': 'sector list not here yet',
	'result-known': 'proof is known',
	'result-unverified': 'verifying a proof',
	'already-posted': 'on the chain already',
	leased: 'leased',
	'better-ranked': 'others rank higher',
	'no-free-slot': 'no free slot',
	'mass-loss': 'waiting: many peers vanished at once',
	incomplete: 'sectors are missing',
	'nothing-left-to-prove': 'nothing left to prove',
	'failed-recently': 'failed here recently',
	'past-close': 'deadline is closed',
};

const PHASE_STYLE: Readonly<Record<string, Cell['style']>> = {
	open: 'yellow',
	missed: 'red',
	dead: 'red',
	gather: 'cyan',
	ready: 'cyan',
	prove: 'cyan',
	verify: 'cyan',
	proven: 'green',
	pending: 'green',
	included: 'green',
	done: 'green',
};

const HURRY_MS = 10 * 60_000;

const columns: readonly Column<ClaimRow>[] = [
	{ title: 'Miner', align: 'left', cell: ({ miner, kind }) => (kind === 'dry' ? `${miner} dry` : miner) },
	{ title: 'Deadline', align: 'right', cell: ({ deadline }) => String(deadline) },
	{ title: 'Partition', align: 'right', cell: ({ partition }) => String(partition) },
	{ title: 'Sectors', align: 'right', cell: ({ sectors }) => String(sectors) },
	{ title: 'Holder', align: 'left', cell: holder },
	{ title: 'Term', align: 'right', cell: ({ holders }) => String(holders[0]?.term ?? '-') },
	{ title: 'Phase', align: 'left', cell: ({ phase }) => withStyle(phase, PHASE_STYLE[phase]) },
	{ title: 'Progress', align: 'right', cell: progress },
	{ title: 'Left', align: 'right', cell: left },
	{ title: 'Why not us', align: 'left', cell: ({ why }) => withStyle(WHY[why] ?? why, 'dim') },
];

/** `width`: columns of the terminal, undefined where there is none. */
export function renderClaims(report: ClaimsReport, width?: number): string {
	const table =
		report.claims.length === 0
			? 'Nothing is due: no deadline is between its challenge and its close.'
			: renderTable(columns, report.claims, width);
	return [heading(report), '', table, ...alarms(report)].join('\n');
}

function heading(report: ClaimsReport): string {
	const parts = [
		`${report.node} on ${report.network}`,
		epochText(report.epoch),
		`${report.connected} of ${report.members} other members connected`,
	];
	if (!report.synced) parts.push('syncing');
	return parts.join(', ');
}

function holder({ holders, result }: ClaimRow): Cell | string {
	const [first, ...more] = holders;
	if (first === undefined) return result?.prover ?? '-';
	return more.length === 0 ? first.name : `${first.name} +${more.length}`;
}

function progress({ holders, result, gathered, sectors, phase, why }: ClaimRow): string {
	if (result !== null) return '100%';
	const first = holders[0];
	if (first === undefined) return '-';
	if (phase === 'gather' && why === 'own') return `${gathered}/${sectors}`;
	return `${Math.floor(first.permille / 10)}%`;
}

function left({ leftMs, result }: ClaimRow): Cell | string {
	if (leftMs <= 0) return 'closed';
	return withStyle(duration(leftMs), leftMs < HURRY_MS && result === null ? 'red' : undefined);
}

function withStyle(text: string, style: Cell['style']): Cell | string {
	return style === undefined ? text : { text, style };
}

function alarms(report: ClaimsReport): string[] {
	if (report.alarms.length === 0) return [];
	const lines = report.alarms.map(({ code, subject, facts }) => {
		const details = Object.entries(facts).map(([key, value]) => `${key}=${value}`);
		return styleText('red', `alarm ${code}: ${[subject, ...details].join(' ')}`);
	});
	return ['', ...lines];
}
