/** Who holds which sectors: the last signed word of each storage member, and this node's own disk. */

import { encodeBitfield } from '../codec/rle-plus.ts';
import type { Bitfield } from '../domain/bitfield.ts';
import type { ActorId, NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { forgetExhausted } from './gather.ts';
import { isNewer, publish } from './identity.ts';
import { keys, writeStatement } from './keys.ts';
import { hasRole, membersWith, selfHasRole } from './members.ts';
import { alarm, clearAlarm, ignore, put } from './outbox.ts';
import type { SortedMap } from './sorted-map.ts';
import type { State, StatementOf } from './state.ts';
import { epochNow, isEpochReached } from './wake.ts';

export interface HoldingsSlice {
	/** Newest HOLD of each peer and miner; the key is `peer/miner`. */
	readonly statements: SortedMap<string, StatementOf<'hold'>>;
	readonly own: SortedMap<ActorId, Bitfield>;
	/** First epoch that this life knew. */
	datedFrom: number | null;
}

/** Sectors of the miner that the member told of within the last 7 days, null when it told nothing that counts. */
export function holdingsOf(state: State, id: NodeId, miner: ActorId): Bitfield | null {
	if (!hasRole(state, id, 'storage', miner)) return null;
	if (id === state.config.self) return state.holdings.own.get(miner) ?? null;
	const envelope = state.holdings.statements.get(`${id}/${miner}`)?.envelope;
	if (envelope === undefined) return null;
	// What was said before any epoch was known ages from when one was known here.
	const told = envelope.epoch >= 0 ? envelope.epoch : state.holdings.datedFrom;
	const isOld = told !== null && isEpochReached(state, told + limits.holdingsEpochs + 1);
	return isOld ? null : envelope.body.sectors;
}

/** Storage members of the miner whose holdings list any of the sectors, ascending. */
export function holdersOf(state: State, miner: ActorId, sectors: Bitfield): readonly NodeId[] {
	return membersWith(state, 'storage', miner).filter((id) => {
		const held = holdingsOf(state, id, miner);
		return held !== null && held.intersect(sectors).size > 0;
	});
}

/** HOLD of another member: the newest replaces all older ones of the same miner. */
export function onHoldings(state: State, statement: StatementOf<'hold'>): void {
	const { envelope } = statement;
	const { miner } = envelope.body;
	if (!hasRole(state, envelope.from, 'storage', miner)) {
		ignore(state, 'holdings-without-role');
		return;
	}
	const key = `${envelope.from}/${miner}`;
	const known = state.holdings.statements.get(key);
	if (known !== undefined && !isNewer(envelope, known.envelope)) {
		ignore(state, 'stale-holdings');
		return;
	}
	if (known === undefined && state.holdings.statements.size >= limits.holdingsKnown) {
		ignore(state, 'too-many-holdings');
		return;
	}
	state.holdings.statements.set(key, statement);
	put(state, keys.holdings(envelope.from, miner), writeStatement(statement));
	if (known === undefined || !envelope.body.sectors.isSubsetOf(known.envelope.body.sectors)) {
		forgetExhausted(state, envelope.from);
	}
	state.dirty = true;
}

/** The own disk changed: told to everyone. */
export function onOwnHoldings(state: State, miner: ActorId, sectors: Bitfield): void {
	const before = state.holdings.own.get(miner);
	state.holdings.own.set(miner, sectors);
	state.dirty = true;
	if (before === undefined || !sectors.isSubsetOf(before)) forgetExhausted(state, state.config.self);
	if (!selfHasRole(state, 'storage', miner)) {
		ignore(state, 'holdings-without-role');
		return;
	}
	tellHoldings(state, miner, sectors);
}

/** Storage stands still for months: what it holds is said again before the last word grows too old to count. */
export function renewHoldings(state: State): void {
	const epoch = epochNow(state);
	if (epoch >= 0) state.holdings.datedFrom ??= epoch;
	for (const [miner, sectors] of state.holdings.own) {
		if (selfHasRole(state, 'storage', miner)) tellHoldings(state, miner, sectors);
	}
}

function tellHoldings(state: State, miner: ActorId, sectors: Bitfield): void {
	const { self } = state.config;
	const key = `${self}/${miner}`;
	const known = state.holdings.statements.get(key)?.envelope;
	const epoch = epochNow(state);
	const isFresh =
		known !== undefined && (known.epoch < 0 ? epoch < 0 : (epoch - known.epoch) * 2 < limits.holdingsEpochs);
	if (isFresh && known.body.sectors.equals(sectors)) return;
	if (encodeBitfield(sectors).length > limits.bitfieldBytes || sectors.size > limits.bitfieldMembers) {
		alarm(state, 'holdings-too-large', String(miner), { sectors: sectors.size });
		return;
	}
	clearAlarm(state, 'holdings-too-large', String(miner));
	const statement = { envelope: publish(state, { kind: 'hold', body: { miner, sectors } }), raw: null };
	state.holdings.statements.set(key, statement);
	put(state, keys.holdings(self, miner), writeStatement(statement));
}
