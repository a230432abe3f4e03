/** The text of `poster-node status`. */
import type { StatusReport } from '../../node/control-api.ts';
import { duration, epochText } from './duration.ts';

const CHAIN: Readonly<Record<StatusReport['chain'], string>> = {
	none: 'learned from other nodes',
	following: 'full node answers',
	lost: 'FULL NODE DOES NOT ANSWER',
};

export function renderStatus(report: StatusReport, wallMs: number): string {
	const lines: readonly (readonly [string, string])[] = [
		['Node', `${report.name} (${report.id})`],
		['Program', `${report.version}, process ${report.pid}, up ${duration(wallMs - report.startedWallMs)}`],
		[
			'Mesh',
			`${report.network}, roster version ${report.rosterVersion}, ${report.connected} of ${report.members} other members connected`,
		],
		['Roles', report.roles.join(', ') || 'none: the roster gives none, or the config has no section'],
		['Chain', `${epochText(report.epoch)} of ${duration(report.epochMs)}, ${CHAIN[report.chain]}`],
		['State', report.synced ? 'in sync' : 'syncing'],
		['Slots', slotsText(report)],
		...report.proofTimes.map((times) => ['Proofs', timesText(times)] as const),
		['Loop', `p99 delay ${duration(report.loopDelayP99Ms)}`],
		...(report.storeStalledMs === 0 ? [] : [['Store', storeText(report.storeStalledMs)] as const]),
		['Addresses', report.addresses.join('\n           ')],
	];
	const alarms = report.alarms.map(({ code, subject }) => `ALARM      ${code}: ${subject}`);
	return [...lines.map(([name, value]) => `${name.padEnd(11)}${value}`), ...alarms].join('\n');
}

function slotsText({ slots, slotsOut }: StatusReport): string {
	const busy = `${slots.filter(({ work }) => work !== null).length} of ${slots.length} busy`;
	if (slotsOut.length === 0) return busy;
	const reasons = slotsOut.map(({ slot, reason, advice }) => [`${slot}: ${reason}`, advice ?? []].flat().join('. '));
	return [`${busy}, ${slotsOut.length} OUT OF SERVICE`, ...reasons].join('\n           ');
}

function timesText({ slot, proof, engine, whole }: StatusReport['proofTimes'][number]): string {
	const [half, most] = [duration(whole.p50Ms), duration(whole.p95Ms)];
	const by = engine === 'own' ? ' by our prover' : '';
	return `${proof} in ${slot}${by}: ${half} (p95 ${most}, of ${whole.proofs})`;
}

function storeText(stalledMs: number): string {
	return `refuses to write for ${duration(stalledMs)}: nothing is claimed or sent until it does`;
}
