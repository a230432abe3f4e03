/** Which miners a node works for: the roster says so, and a newer one may say otherwise. */
import type { ActorId } from '../domain/ids.ts';
import type { Roster } from '../domain/roster.ts';

/** With the address that sends for each; none for a node that the roster does not name. */
export function servedMiners(roster: Roster, self: string): readonly { miner: ActorId; sender: string }[] {
	const own = roster.peers.find(({ id }) => id === self);
	if (own === undefined) return [];
	return roster.miners.filter(({ miner }) => own.miners.length === 0 || own.miners.includes(miner));
}
