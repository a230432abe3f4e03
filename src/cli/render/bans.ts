/** The text of `poster-node bans`. */
import type { BanRow } from '../../node/control-api.ts';
import { duration } from './duration.ts';
import { type Column, renderTable } from './table.ts';

const columns: readonly Column<BanRow>[] = [
	{ title: 'Name', align: 'left', cell: ({ name }) => name },
	{ title: 'Reason', align: 'left', cell: ({ reason }) => reason },
	{ title: 'Left', align: 'right', cell: ({ leftMs }) => duration(leftMs) },
	{ title: 'In a row', align: 'right', cell: ({ times }) => String(times) },
	{ title: 'Peer id', align: 'left', cell: ({ id }) => id },
];

export function renderBans(bans: readonly BanRow[]): string {
	return bans.length === 0 ? 'This node refuses no member.' : renderTable(columns, bans);
}
