/** The control API's answers, made from the core's view: pure, so that their shape is tested without a node. */
import { minerAddress } from '../codec/address.ts';
import type { ItemView, View } from '../core/api.ts';
import type { Roster } from '../domain/roster.ts';
import type { Ban } from '../ports/mesh.ts';
import type { BanRow, ClaimRow, ClaimsReport, NodeFacts, StatusReport } from './control-api.ts';

export function claimsReport(view: View, node: string): ClaimsReport {
	return {
		node,
		network: view.network,
		epoch: view.epoch,
		epochMs: view.epochMs,
		synced: view.synced,
		...membership(view),
		claims: view.items.map((item) => claimRow(item, view)),
		alarms: view.alarms,
	};
}

export function statusReport(view: View, facts: NodeFacts, rosterVersion: number): StatusReport {
	const { self, network, epoch, epochMs, synced, slots, alarms, ignored, counters } = view;
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

export function claimRow(item: ItemView, view: View): ClaimRow {
	const { result, submission } = item;
	const nameOf = (id: string): string => view.peers.find((peer) => peer.node === id)?.name ?? id;
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
		leftMs: item.epochsLeft * view.epochMs,
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
function phaseOf(item: ItemView): string {
	const sent = item.submission?.phase;
	if (sent !== undefined && sent !== 'waiting' && sent !== 'preparing' && sent !== 'signing') return sent;
	if (item.result !== null) return 'proven';
	return item.holders[0]?.phase ?? (item.epochsLeft <= 0 ? 'missed' : 'open');
}
