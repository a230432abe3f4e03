/** What people see of the core: plain frozen objects, made when asked for, with the reason for everything not done. */

import type { WorkId } from '../domain/ids.ts';
import type {
	HolderView,
	ItemFilter,
	ItemView,
	PeerView,
	StoredResult,
	SubmissionView,
	View,
	WaitReason,
} from './api.ts';
import { obstacle, waitMs } from './claim.ts';
import { currentEpoch, longEpochMs } from './epoch-clock.ts';
import { contenders, liveLeases } from './leases.ts';
import { currentLoad, type Load } from './load.ts';
import { isSynced, nameOf } from './members.ts';
import type { Message } from './message.ts';
import type { Sender } from './nonces.ts';
import { copiesOf } from './results.ts';
import type { State, Work } from './state.ts';
import { messagesOf } from './submission.ts';

type Making = NonNullable<Sender['busy']>;

/**
 * `shows`: the items wanted, by the epochs until their close. Each costs time, and a mesh keeps thousands of a whole day.
 */
export function view(state: State, now: number, shows: ItemFilter = () => true): View {
	state.now = now;
	// To look is no reason to decide.
	const { wakeAt } = state;
	const load = currentLoad(state);
	const epoch = currentEpoch(state.clock, now);
	const works = state.works.values().filter(({ item }) => shows(item, item.close - epoch));
	const making = sendersByWork(state);
	const shown = {
		self: state.config.self,
		network: state.config.network,
		epoch,
		epochMs: longEpochMs(state.clock),
		synced: isSynced(state),
		health: state.liveness.health,
		items: works.sort(compareWorks).map((work) => itemView(state, work, load, making.get(work.item.id))),
		peers: state.roster.byId.keys().map((id) => peerView(state, id)),
		alarms: state.alarms.values().map((raised) => raised.alarm),
		slots: state.slots.names.map((name) => ({ name, work: state.slots.busy.get(name) ?? null })),
		slotsOut: state.slots.out,
		ignored: Object.fromEntries(state.ignored),
		counters: Object.fromEntries(state.counters),
	};
	state.wakeAt = wakeAt;
	return Object.freeze(shown);
}

/** Every verified result on this node's disk. */
export function storedResults(state: State): readonly StoredResult[] {
	return [...state.works.values()].flatMap(({ item, results: { best } }) =>
		best === null ? [] : [{ item, result: best.result, hash: best.hash }],
	);
}

function compareWorks({ item: a }: Work, { item: b }: Work): number {
	const kind = a.kind === b.kind ? 0 : a.kind === 'post' ? -1 : 1;
	return a.close - b.close || a.miner - b.miner || a.deadline - b.deadline || a.partition - b.partition || kind;
}

function itemView(state: State, work: Work, load: Load, making: Making | undefined): ItemView {
	const { item, results } = work;
	const { best } = results;
	return {
		work: item.id,
		kind: item.kind,
		nonce: item.nonce,
		key: item.key,
		miner: item.miner,
		deadline: item.deadline,
		partition: item.partition,
		sectors: item.sectorCount,
		open: item.open,
		close: item.close,
		epochsLeft: item.close - currentEpoch(state.clock, state.now),
		holders: contenders(state, work).map(({ node, lease }): HolderView => {
			const peer = state.peers.get(node);
			const { term, backup, phase, permille } = lease;
			const silentMs = peer === undefined ? 0 : state.now - peer.recordAt;
			return { node, name: nameOf(state, node), term, backup, phase, permille, silentMs };
		}),
		why: whyNot(state, work, load),
		gathered: state.jobs.get(item.id)?.good.size ?? 0,
		result:
			best === null
				? null
				: {
						hash: best.hash,
						skipped: best.result.skipped.size,
						prover: best.statement.envelope.from,
						proveMs: best.result.proveMs,
						copies: copiesOf(state, work).length,
					},
		submission: item.kind === 'dry' ? null : submissionView(state, work, making),
	};
}

/** The same questions in the same order as the claim rule asks them, without acting on the answers. */
function whyNot(state: State, work: Work, load: Load): WaitReason {
	const general = obstacle(state, work, load);
	if (general !== null) return general;
	const leases = liveLeases(state, work);
	const vanished = leases.length > 0 && leases.every(({ node }) => state.peers.get(node)?.vanished === true);
	if (leases.length > 0) return vanished ? 'mass-loss' : 'leased';
	return waitMs(state, work) === null ? 'no-free-slot' : 'better-ranked';
}

/** What each sender is about to sign. */
function sendersByWork(state: State): ReadonlyMap<WorkId, Making> {
	const making = new Map<WorkId, Making>();
	for (const { busy } of state.senders.values())
		if (busy !== null && !making.has(busy.work)) making.set(busy.work, busy);
	return making;
}

function submissionView(state: State, work: Work, making: Making | undefined): SubmissionView {
	if (making !== undefined) {
		const phase = making.nonce === null ? 'preparing' : 'signing';
		return { phase, reason: 'turn-has-come', cid: null, nonce: making.nonce, includedAt: null };
	}
	const messages = messagesOf(state, work);
	const shown = messages.find(({ dead }) => dead === null) ?? messages[0];
	if (shown === undefined) {
		return { phase: 'waiting', reason: work.submission.reason, cid: null, nonce: null, includedAt: null };
	}
	const { submission, nonce, includedAt } = shown;
	return { ...phaseOf(shown), cid: submission.cid, nonce, includedAt: includedAt as SubmissionView['includedAt'] };
}

function phaseOf(message: Message): Pick<SubmissionView, 'phase' | 'reason'> {
	if (message.dead !== null) return { phase: 'dead', reason: message.dead };
	if (message.done) return { phase: 'done', reason: 'confirmed' };
	if (message.includedAt !== null) return { phase: 'included', reason: 'waits-for-depth' };
	if (!message.proofGood || !message.signatureGood) return { phase: 'waiting', reason: 'being-checked' };
	return message.everPooled ? { phase: 'pending', reason: 'in-pool' } : { phase: 'signed', reason: 'not-in-pool' };
}

function peerView(state: State, id: PeerView['node']): PeerView {
	const peer = state.peers.get(id);
	const record = peer?.record?.envelope;
	return {
		node: id,
		name: nameOf(state, id),
		roles: state.roster.byId.get(id)?.roles ?? [],
		connected: peer?.connected ?? false,
		silentMs: record === undefined ? null : state.now - (peer?.recordAt ?? state.now),
		epoch: (peer?.mark?.epoch ?? -1) as PeerView['epoch'],
		slots: record?.body.slots ?? 0,
		idle: record?.body.idle ?? 0,
		health: record?.body.health ?? 0,
		leases: record?.body.leases.length ?? 0,
		lastRelease: peer?.lastRelease ?? null,
	};
}
