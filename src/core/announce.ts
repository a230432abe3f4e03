/**
 * What is due. Chain nodes announce what their own view shows: the two best-ranked at once, others only while fewer than
 * two were heard. Everyone collects announcements and tombstones, and judges by its own chain view where it has one.
 */
import { challengeKey } from '../codec/work-id.ts';
import type { Announcement, Tombstone } from '../domain/announcement.ts';
import type { WorkId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Challenge, ChallengeKey, DuePartition, WorkItem } from '../domain/work.ts';
import type { ChainView, ChallengeView, WaitReason } from './api.ts';
import { currentEpoch } from './epoch-clock.ts';
import { isNewer, publish } from './identity.ts';
import { keys } from './keys.ts';
import { hasRole, ranking, selfHasRole } from './members.ts';
import { alarm, decide, del, ignore } from './outbox.ts';
import { SortedMap } from './sorted-map.ts';
import type { State, StatementOf, Work } from './state.ts';
import { hasPlace, keepStatement, unsay } from './statements.ts';
import { isEpochReached, isReached } from './wake.ts';
import { announcerQuota, enterWork, itemsOf, possibleAnnouncers } from './works.ts';

export interface AnnounceSlice {
	/** Announcements of the own chain view that wait for their turn, by challenge. */
	pending: SortedMap<ChallengeKey, { readonly dueAt: number; readonly works: readonly WorkId[] }>;
	/** ANN and TOMB statements by challenge, then identity. */
	statements: SortedMap<ChallengeKey, SortedMap<string, StatementOf<'ann'> | StatementOf<'tomb'>>>;
}

const FIRST_ANNOUNCERS = 2;

/** Takes in what the own full node shows of a miner. */
export function onChainView(state: State, view: ChainView): void {
	for (const seen of view.challenges) {
		const items = itemsOf(state, seen.challenge, seen.due);
		const current = new Set(items.map(({ id }) => id));
		for (const item of items) {
			const work = enterWork(state, item, null);
			if (work === undefined) continue;
			work.ownView = 'agrees';
			if (seen.posted !== null) work.posted = seen.posted.has(item.partition);
		}
		disown(state, view, seen, current);
		if (selfHasRole(state, 'chain', view.miner)) scheduleAnnouncement(state, items);
	}
}

/** Items of this deadline that the own view does not show: never take them, and take back what was announced. */
function disown(state: State, view: ChainView, { challenge }: ChallengeView, current: ReadonlySet<WorkId>): void {
	const gone = new SortedMap<ChallengeKey, Work[]>();
	for (const [id, work] of state.works) {
		const { item } = work;
		const same =
			item.kind === 'post' &&
			item.miner === view.miner &&
			item.periodStart === challenge.periodStart &&
			item.deadline === challenge.deadline;
		if (!same || current.has(id)) continue;
		if (work.ownView !== 'differs') {
			const [announcer] = work.announcers.keys();
			if (announcer !== undefined && announcer !== state.config.self) {
				alarm(state, 'announcement-differs', announcer, { work: id });
			}
			if (work.announcers.has(state.config.self)) gone.obtain(item.key, () => []).push(work);
		}
		work.ownView = 'differs';
	}
	for (const works of gone.values()) {
		const [first] = works;
		if (first === undefined) continue;
		const reason = first.item.randomness === challenge.randomness ? 'superseded' : 'reorg';
		bury(
			state,
			first.item,
			reason,
			works.map(({ item }) => item.id),
		);
	}
}

/** Announces a dry run for an operator. */
export function announceDryRun(state: State, challenge: Challenge, due: readonly DuePartition[]): void {
	if (!selfHasRole(state, 'chain', challenge.miner)) {
		ignore(state, 'dry-run-without-chain-role');
		return;
	}
	const items = itemsOf(state, challenge, due);
	for (const item of items) enterWork(state, item, null);
	announceItems(state, items);
}

export function cancelDryRun(state: State, key: ChallengeKey): void {
	const works = [...state.works.values()].filter(({ item }) => item.key === key && item.kind === 'dry');
	const [first] = works;
	if (first !== undefined)
		bury(
			state,
			first.item,
			'cancelled',
			works.map(({ item }) => item.id),
		);
}

function bury(state: State, challenge: Challenge, reason: Tombstone['reason'], works: readonly WorkId[]): void {
	for (let i = 0; i < works.length; i += limits.announcementItems) {
		const body = { challenge: pickChallenge(challenge), reason, works: works.slice(i, i + limits.announcementItems) };
		keepTombstone(state, { envelope: publish(state, { kind: 'tomb', body }), raw: null });
	}
}

function scheduleAnnouncement(state: State, items: readonly WorkItem[]): void {
	const [first] = items;
	if (first === undefined) return;
	const unsaid = items.filter(({ id }) => {
		const work = state.works.get(id);
		return work !== undefined && !isSaid(state, work);
	});
	if (unsaid.length === 0 || state.announce.pending.has(first.key)) return;
	const rank = ranking(state, first.key, 'chain', first.miner).indexOf(state.config.self);
	const steps = Math.max(0, rank - FIRST_ANNOUNCERS + 1);
	const dueAt = state.now + steps * limits.announceStepMs;
	state.announce.pending.set(first.key, { dueAt, works: unsaid.map(({ id }) => id) });
	state.dirty = true;
}

/** Announced by this node and not taken back since. */
function isSaid(state: State, { announcers, tombs }: Work): boolean {
	return announcers.has(state.config.self) && !tombs.has(state.config.self);
}

/** Announces what is due and was not heard from two others in the meantime. */
export function announceDue(state: State): void {
	for (const [key, { dueAt, works }] of state.announce.pending) {
		if (!state.identity.started || !isReached(state, dueAt)) continue;
		state.announce.pending.delete(key);
		const items = works.flatMap((id) => {
			const work = state.works.get(id);
			if (work?.ownView !== 'agrees' || isSaid(state, work)) return [];
			// What this node took back is announced again, whoever else announced it.
			return work.announcers.size < FIRST_ANNOUNCERS || work.tombs.has(state.config.self) ? [work.item] : [];
		});
		announceItems(state, items);
	}
}

function announceItems(state: State, items: readonly WorkItem[]): void {
	const [first] = items;
	if (first === undefined) return;
	const ordered = [...items].sort((a, b) => a.partition - b.partition);
	for (let i = 0; i < ordered.length; i += limits.announcementItems) {
		const page = ordered.slice(i, i + limits.announcementItems);
		const body: Announcement = {
			challenge: pickChallenge(first),
			items: page.map(({ partition, sectorCount, sectorRoot }) => ({ partition, sectorCount, sectorRoot })),
		};
		keepAnnouncement(state, { envelope: publish(state, { kind: 'ann', body }), raw: null });
	}
	decide(state, 'announce', first.kind, {
		facts: { miner: first.miner, deadline: first.deadline, items: items.length },
	});
}

/** ANN of another member. */
export function onAnnouncement(state: State, statement: StatementOf<'ann'>): void {
	const { from, body } = statement.envelope;
	if (!hasRole(state, from, 'chain', body.challenge.miner)) {
		ignore(state, 'announcement-without-role');
		return;
	}
	if (!isTimely(state, body.challenge)) {
		ignore(state, 'announcement-not-timely');
		return;
	}
	keepAnnouncement(state, statement);
}

/** TOMB of another member. */
export function onTombstone(state: State, statement: StatementOf<'tomb'>): void {
	const { from, body } = statement.envelope;
	if (!hasRole(state, from, 'chain', body.challenge.miner)) {
		ignore(state, 'tombstone-without-role');
		return;
	}
	if (!isTimely(state, body.challenge)) {
		ignore(state, 'tombstone-not-timely');
		return;
	}
	keepTombstone(state, statement);
}

/** A dry run takes the newest challenge of its deadline, up to a proving period old: its time begins when it opens. */
function isTimely(state: State, { kind, challenge, open, close }: Challenge): boolean {
	const begin = kind === 'dry' ? open : challenge;
	if (close - begin > limits.announcementSpanEpochs) return false;
	const epoch = currentEpoch(state.clock, state.now);
	if (epoch < 0) return true;
	return epoch <= close + limits.announcementGraceEpochs && begin <= epoch + limits.announcementAheadEpochs;
}

export function keepAnnouncement(state: State, statement: StatementOf<'ann'>): void {
	const { from, incarnation, sequence, body } = statement.envelope;
	const items = itemsOf(state, body.challenge, body.items);
	const ids = items.map(({ id }) => id);
	if (!hasPlace(state, statement, ids)) return;
	const said = { incarnation, sequence };
	let hasNew = false;
	let quota = from === state.config.self ? limits.works : announcerQuota(state, from, body.challenge.miner);
	for (const item of items) {
		const { id } = item;
		let known = state.works.get(id);
		if (known === undefined && quota-- <= 0) {
			ignore(state, 'announcer-quota');
			continue;
		}
		if (known === undefined) {
			known = enterWork(state, item, from);
			hasNew = true;
		}
		if (known === undefined) continue;
		const before = known.announcers.get(from);
		if (before !== undefined && !isNewer(said, before)) continue;
		known.announcers.set(from, said);
		// Of what a member said of an item the last counts.
		const tomb = known.tombs.get(from);
		if (tomb !== undefined && isNewer(said, tomb)) known.tombs.delete(from);
		state.dirty = true;
		if (known.ownView === 'unknown' && contradictsView(state, known)) {
			known.ownView = 'differs';
			alarm(state, 'announcement-differs', from, { work: id });
		}
	}
	keepStatement(state, statement, ids);
	if (hasNew) for (const tomb of tombstonesOf(state, body.challenge)) heedTombstone(state, tomb);
}

export function keepTombstone(state: State, statement: StatementOf<'tomb'>): void {
	const { works } = statement.envelope.body;
	if (!hasPlace(state, statement, works)) return;
	heedTombstone(state, statement);
	keepStatement(state, statement, works);
}

/** Those known for a challenge, of which some may have come before the items that they name. */
function tombstonesOf(state: State, challenge: Challenge): readonly StatementOf<'tomb'>[] {
	const known = state.announce.statements.get(challengeKey(state.config.network, challenge))?.values() ?? [];
	return known.filter((other): other is StatementOf<'tomb'> => other.envelope.kind === 'tomb');
}

function heedTombstone(state: State, { envelope }: StatementOf<'tomb'>): void {
	const { from, incarnation, sequence, body } = envelope;
	const said = { incarnation, sequence, reason: body.reason };
	const key = challengeKey(state.config.network, body.challenge);
	for (const id of body.works) {
		const work = state.works.get(id);
		const announced = work?.announcers.get(from);
		const before = work?.tombs.get(from);
		// The role was looked at for the miner of this challenge alone.
		if (work?.item.key !== key || (announced !== undefined && !isNewer(said, announced))) continue;
		if (before === undefined || isNewer(said, before)) work.tombs.set(from, said);
		state.dirty = true;
	}
}

/** The own view shows this very deadline, and this item is not in it. */
function contradictsView(state: State, { item }: Work): boolean {
	if (item.kind === 'dry') return false;
	const seen = state.chain.views.get(item.miner)?.challenges ?? [];
	return seen.some(
		({ challenge }) => challenge.periodStart === item.periodStart && challenge.deadline === item.deadline,
	);
}

/** The roster changed: what removed members announced, and what only they announced, is forgotten. */
export function forgetAnnouncers(state: State): void {
	for (const [key, statements] of state.announce.statements) {
		for (const [identity, { envelope }] of statements) {
			if (hasRole(state, envelope.from, 'chain', envelope.body.challenge.miner)) continue;
			statements.delete(identity);
			del(state, keys.announcement(key, identity));
		}
	}
	for (const work of state.works.values()) {
		const { item, announcers, tombs } = work;
		const lost = [...announcers.keys(), ...tombs.keys()].filter((from) => !hasRole(state, from, 'chain', item.miner));
		for (const from of lost) unsay(state, work, from, 'announcer-removed');
	}
	state.dirty = true;
}

/**
 * Why an item is not (yet) believed to be due; null when it is. Without a chain: two announcers, or one where the
 * roster has no second; a lone one is believed 2 epochs later, since it costs computing time only.
 */
export function unbelieved(state: State, work: Work): WaitReason | null {
	if (isCancelled(state, work)) return 'cancelled';
	if (work.ownView === 'agrees' || work.item.kind === 'dry') return null;
	if (work.ownView === 'differs') return 'announcement-differs';
	if (isAgreed(state, work)) return null;
	if (work.announcers.size === 0) return 'one-announcer';
	const waited =
		isEpochReached(state, work.heardEpoch + limits.loneAnnouncerEpochs) &&
		isReached(state, work.heardAt + limits.loneAnnouncerMs);
	return waited ? null : 'one-announcer';
}

/** Believed by more than one member's word. */
export function isAgreed(state: State, work: Work): boolean {
	if (work.ownView === 'agrees') return true;
	if (work.announcers.size >= FIRST_ANNOUNCERS) return true;
	return work.announcers.size >= Math.min(FIRST_ANNOUNCERS, Math.max(1, possibleAnnouncers(state, work)));
}

export function isCancelled(state: State, work: Work): boolean {
	if (work.ownView === 'agrees' || work.tombs.size === 0) return false;
	if (work.item.kind === 'dry') return true;
	return work.tombs.size >= Math.min(FIRST_ANNOUNCERS, Math.max(1, possibleAnnouncers(state, work)));
}

/** The challenge alone, without what an item adds to it. */
function pickChallenge(of: Challenge): Challenge {
	const { kind, nonce, miner, periodStart, deadline, challenge, open, close, randomness, proofType } = of;
	return { kind, nonce, miner, periodStart, deadline, challenge, open, close, randomness, proofType };
}
