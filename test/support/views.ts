/** Views of a small mesh for tests of what is made from them. */
import type { HolderView, ItemFilter, ItemView, PeerView, View } from '../../src/core/api.ts';
import {
	actorId,
	cidText,
	deadlineIndex,
	epoch,
	hex32,
	nodeId,
	partitionIndex,
	workIdOf,
} from '../../src/domain/ids.ts';
import { challengeKeyOf, type WorkItem } from '../../src/domain/work.ts';
import type { ComputeState } from '../../src/node/control-api.ts';

export const self = nodeId('12D3KooWself');
export const other = nodeId('12D3KooWother');

export function item(change: Partial<ItemView> = {}): ItemView {
	return {
		work: workIdOf('ab'.repeat(32)),
		kind: 'post',
		nonce: 0,
		key: challengeKeyOf('cd'.repeat(16)),
		miner: actorId(1000),
		deadline: deadlineIndex(7),
		partition: partitionIndex(0),
		sectors: 2349,
		open: epoch(100),
		close: epoch(160),
		epochsLeft: 40,
		holders: [],
		why: 'better-ranked',
		gathered: 0,
		result: null,
		submission: null,
		...change,
	};
}

export function holder(change: Partial<HolderView> = {}): HolderView {
	return {
		node: other,
		name: 'prover-2',
		term: 1,
		backup: false,
		phase: 'gather',
		permille: 0,
		silentMs: 100,
		...change,
	};
}

export const result: ItemView['result'] = {
	hash: hex32('ef'.repeat(32)),
	skipped: 0,
	prover: other,
	proveMs: 61_000,
	copies: 3,
};

export function submission(phase: NonNullable<ItemView['submission']>['phase']): ItemView['submission'] {
	return { phase, reason: '', cid: cidText('bafy2bzacea'), nonce: 12, includedAt: null };
}

export function view(items: readonly ItemView[], change: Partial<View> = {}): View {
	return {
		self,
		network: 'testing',
		epoch: epoch(120),
		epochMs: 30_000,
		synced: true,
		health: 0,
		items,
		peers: [peer({ node: self, name: 'prover-1' }), peer({ node: other, name: 'prover-2' })],
		alarms: [],
		slots: [{ name: 'cpu0', work: null }],
		slotsOut: [],
		ignored: {},
		counters: {},
		...change,
	};
}

/** As the core makes it: with the items that are asked for. */
export function viewOf(whole: View): (shows: ItemFilter) => View {
	const isShown = (shows: ItemFilter, one: ItemView): boolean => shows(one as unknown as WorkItem, one.epochsLeft);
	return (shows) => ({ ...whole, items: whole.items.filter((one) => isShown(shows, one)) });
}

function peer(change: Partial<PeerView>): PeerView {
	return {
		node: self,
		name: 'prover-1',
		roles: ['prover'],
		connected: true,
		silentMs: 100,
		epoch: epoch(120),
		slots: 1,
		idle: 1,
		health: 0,
		leases: 0,
		lastRelease: null,
		...change,
	};
}

/** A dry run of two partitions, one of which failed. */
export const computeRun: ComputeState = {
	id: 'run-1',
	state: 'done',
	error: null,
	miner: 'f01000',
	deadline: 7,
	randomness: 'ab'.repeat(32),
	proofType: 10,
	submit: false,
	startedWallMs: 0,
	wallMs: 4200,
	partitions: [
		{
			partition: 0,
			sectors: 2,
			phase: 'proven',
			holder: 'prover-2',
			permille: 1000,
			stepMs: { find: 3, open: 12, transfer: 9, check: 20, prove: 1200, verify: 17 },
			skipped: [],
			proof: 'AAAA',
			error: null,
		},
		{
			partition: 1,
			sectors: 2,
			phase: 'failed',
			holder: null,
			permille: 0,
			stepMs: { find: 3 },
			skipped: [1],
			proof: null,
			error: 'incomplete',
		},
	],
};
