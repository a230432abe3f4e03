/** The roster as people read it. */
import { minerAddress } from '../../codec/address.ts';
import type { Roster, RosterPeer } from '../../domain/roster.ts';
import { type Column, renderTable } from './table.ts';

const columns: readonly Column<RosterPeer>[] = [
	{ title: 'Name', align: 'left', cell: ({ name }) => name },
	{ title: 'Site', align: 'left', cell: ({ site }) => site },
	{ title: 'Weight', align: 'right', cell: ({ weight }) => String(weight) },
	{ title: 'Slots', align: 'right', cell: ({ slots }) => String(slots) },
	{ title: 'Roles', align: 'left', cell: ({ roles }) => roles.join(',') },
	{
		title: 'Miners',
		align: 'left',
		cell: ({ miners }) => (miners.length === 0 ? 'all' : miners.map(minerAddress).join(',')),
	},
	{ title: 'Peer id', align: 'left', cell: ({ id }) => id },
];

export function renderRoster(roster: Roster): string {
	const miners = roster.miners.map(({ miner, sender }) => `  ${minerAddress(miner)} sends from ${sender}`);
	return [
		`Roster version ${roster.version} of the mesh on ${roster.network}`,
		...miners,
		'',
		renderTable(columns, roster.peers),
	].join('\n');
}
