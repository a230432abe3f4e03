/** The control API's answers, made from the core's view: pure, so that their shape is tested without a node. */
import { minerAddress } from '../codec/address.ts';
import type { ItemFilter, ItemView, View } from '../core/api.ts';
import type { NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Roster } from '../domain/roster.ts';
import type { Ban } from '../ports/mesh.ts';
import type { BanRow, ClaimRow, ClaimsReport, NodeFacts, StatusReport } from './control-api.ts';

export const noItems: ItemFilter = () => false;

/** What `claims` shows: the outcome of a deadline for a while after its close, and not all those of a day. */
export const shownItems: ItemFilter = (_, epochsLeft) => epochsLeft >= -limits.claimsShownEpochs;

/** `view` of `shownItems`. */
export function claimsReport(view: View, node: string): ClaimsReport {
	const nameOf = namesIn(view);
	return {
		node,
		network: view.network,
		epoch: view.epoch,
		epochMs: view.epochMs,
		synced: view.synced,
		...membership(view),
		claims: view.items.map((item) => claimRow(item, view.epochMs, nameOf)),
		alarms: view.alarms,
	};
}

export function statusReport(view: View, facts: NodeFacts, rosterVersion: number): StatusReport {
	const { self, network, epoch, epochMs, synced, slots, slotsOut, alarms, ignored, counters } = view;
	return {
		...facts,
		id: self,
		network,
		rosterVersion,
		epoch,
		epochMs,
		synced,
		...membership(view),
		slots,
		slotsOut,
		alarms,
		ignored,
		counters,
	};
}

export function banRows(bans: readonly Ban[], { peers }: Roster): readonly BanRow[] {
	const nameOf = (id: string): string => peers.find((peer) => peer.id === id)?.name ?? id;
	return bans.map(({ peer, ...ban }) => ({ id: peer, name: nameOf(peer), ...ban }));
}

function membership(view: View): { members: number; connected: number } {
	const others = view.peers.filter(({ node }) => node !== view.self);
	return { members: others.length, connected: others.filter(({ connected }) => connected).length };
}

/** The name of a member in the view; the id of anybody else. */
export function namesIn({ peers }: View): (id: NodeId) => string {
	const names = new Map(peers.map(({ node, name }) => [node, name]));
	return (id) => names.get(id) ?? id;
}

export function claimRow(item: ItemView, epochMs: number, nameOf: (id: NodeId) => string): ClaimRow {
	const { result, submission } = item;
	return {
		work: item.work,
		kind: item.kind,
		miner: minerAddress(item.miner),
		deadline: item.deadline,
		partition: item.partition,
		sectors: item.sectors,
		gathered: item.gathered,
		phase: phaseOf(item),
		holders: item.holders.map(({ node, ...holder }) => ({ id: node, ...holder })),
		epochsLeft: item.epochsLeft,
		leftMs: item.epochsLeft * epochMs,
		why: item.why,
		result: result && {
			prover: nameOf(result.prover),
			proveMs: result.proveMs,
			skipped: result.skipped,
			copies: result.copies,
		},
		submission,
	};
}

/** The message's state once one is signed, else the proof's, else the best lease's. */
export function phaseOf(item: ItemView): string {
	const sent = item.submission?.phase;
	if (sent !== undefined && sent !== 'waiting' && sent !== 'preparing' && sent !== 'signing') return sent;
	if (item.result !== null) return 'proven';
	return item.holders[0]?.phase ?? (item.epochsLeft <= 0 ? 'missed' : 'open');
}
