/**
 * Records: taking in what other members say of themselves, and telling what this node is doing. A record replaces all
 * older ones of its node, so a lost one heals with the next; nothing of it is ever merged.
 */
import { encodeBitfield } from '../codec/rle-plus.ts';
import { Bitfield } from '../domain/bitfield.ts';
import type { NodeId, WorkId } from '../domain/ids.ts';
import type { Lease, ReleaseReason } from '../domain/lease.ts';
import { limits } from '../domain/limits.ts';
import type { NodeRecord } from '../domain/record.ts';
import type { ChallengeKey } from '../domain/work.ts';
import type { EventOf } from './api.ts';
import { type EpochMark, intervalMs, learnLength, longEpochMs, median, reference } from './epoch-clock.ts';
import { isNewer, publish } from './identity.ts';
import { type HeldLease, indexLeases, ownLease } from './leases.ts';
import { isTrusted, onAlive, onSuspicion, type Peer, peerOf, watchHolder } from './liveness.ts';
import { hasRole, isSynced, selfHasRole } from './members.ts';
import { alarm, clearAlarm, ignore } from './outbox.ts';
import { draw } from './rank.ts';
import { heedHave } from './results.ts';
import { heedObjections, ownObjections } from './skips.ts';
import { SortedMap } from './sorted-map.ts';
import type { State, StatementOf } from './state.ts';
import { ownEstimates } from './timing.ts';
import { isReached, touch } from './wake.ts';

/** When this node's own record goes out. */
export interface RecordsSlice {
	/** Content changed: send as soon as `recordPauseMs` allows. */
	changed: boolean;
	sentAt: number;
	/** The last one sent. */
	own: StatementOf<'rec'> | null;
	/** Repeats of a claim still to be sent. */
	repeatsAt: number[];
	/** The `have` of the last record, while nothing has changed that is told of challenges. */
	held: { readonly told: number; readonly have: NodeRecord['have'] } | null;
	/** What the time of the next one is drawn from, and the sequence that it was drawn for. */
	drawn: { readonly sequence: number; readonly draw: number } | null;
	/** Live leases of all members by work, this node's excluded. */
	leases: SortedMap<WorkId, SortedMap<NodeId, HeldLease>>;
	/** Leases of this node that ended without a result, newest first. */
	ended: { readonly work: WorkId; readonly reason: ReleaseReason }[];
	/** Short hashes of the newest submissions on disk, newest first. */
	submissions: string[];
}

/** Challenge key and CBOR heads of one entry of `have`. */
const HAVE_FRAME_BYTES = 24;
/** Renewals of all holders together stay below this many a second. */
const RENEWALS_PER_SECOND = 100;
const JITTER_PERCENT = 10;
/** Statements come at any time within an epoch: only over several epochs do two of them tell its length. */
const PACE_EPOCHS = 8;

export function createRecordsSlice(): RecordsSlice {
	return {
		changed: true,
		sentAt: Number.MIN_SAFE_INTEGER,
		own: null,
		repeatsAt: [],
		held: null,
		drawn: null,
		leases: new SortedMap(),
		ended: [],
		submissions: [],
	};
}

/** A record of another member that arrived after `ageMs` at the relay. */
export function onRecord(state: State, statement: StatementOf<'rec'>, ageMs: number): void {
	const { envelope } = statement;
	const peer = peerOf(state, envelope.from);
	if (peer.record !== null && !isNewer(envelope, peer.record.envelope)) {
		ignore(state, 'stale-record');
		return;
	}
	const unheard = peer.record === null || peer.dead;
	const before = peer.record?.envelope.body;
	const isNews = before === undefined || !saysTheSame(state, peer, before, envelope.body);
	if (isNews) touch(state);
	indexLeases(state, envelope.from, statement);
	peer.record = statement;
	onAlive(peer, state.now - ageMs);
	if (!isNews) watchHolder(state, peer);
	// Submissions on another disk let a node that has signed one sign the next.
	const stored = envelope.body.submissions[0] !== before?.submissions[0] && hasSigned(state);
	if (unheard || stored) state.dirty = true;
	if (envelope.body.suspects.length > 0) onSuspicion(state, envelope.body.suspects);
	if (envelope.body.objections.length > 0) heedObjections(state, envelope.from, envelope.body.objections);
	const known = before?.ended ?? [];
	const fresh = envelope.body.ended.find(
		({ work, reason }) => !known.some((old) => old.work === work && old.reason === reason),
	);
	peer.lastRelease = fresh?.reason ?? peer.lastRelease;
	heedHave(state, envelope.from, before?.have ?? [], envelope.body.have);
	compareKeys(state, envelope.from, envelope.body);
	compareRosters(state, envelope.body);
}

function hasSigned(state: State): boolean {
	return state.senders.size > 0 && state.senders.values().some(({ lastSigned }) => lastSigned !== null);
}

/** Nothing in it that a rule could heed is new: the usual beacon of a member that waits. */
function saysTheSame(state: State, peer: Peer, a: NodeRecord, b: NodeRecord): boolean {
	const same =
		a.slots === b.slots &&
		a.idle === b.idle &&
		a.health === b.health &&
		a.chain === b.chain &&
		a.synced === b.synced &&
		a.keys === b.keys &&
		a.rosterHash === b.rosterHash &&
		b.objections.length + b.suspects.length === 0;
	return (
		same &&
		isEqual(
			a.estimates,
			b.estimates,
			(x, y) => x.proofType === y.proofType && x.p95Ms === y.p95Ms && x.p99Ms === y.p99Ms,
		) &&
		isEqual(a.ended, b.ended, (x, y) => x.work === y.work && x.reason === y.reason) &&
		isSameHave(a.have, b.have) &&
		(!hasSigned(state) || isEqual(a.submissions, b.submissions, (x, y) => x === y)) &&
		areRenewed(state, peer, a.leases, b.leases)
	);
}

/** The leases of a member in good standing go on. Only who may claim heeds what becomes of them. */
function areRenewed(state: State, peer: Peer, a: readonly Lease[], b: readonly Lease[]): boolean {
	if (a.length + b.length === 0 || !selfHasRole(state, 'prover')) return true;
	const goOn = isEqual(
		a,
		b,
		(x, y) =>
			x.work === y.work && x.term === y.term && x.phase === y.phase && x.backup === y.backup && !state.jobs.has(x.work),
	);
	return goOn && isTrusted(state, peer);
}

function isEqual<T>(a: readonly T[], b: readonly T[], same: (x: T, y: T) => boolean): boolean {
	return a === b || (a.length === b.length && a.every((x, i) => same(x, b[i] as T)));
}

function isSameHave(a: NodeRecord['have'], b: NodeRecord['have']): boolean {
	return isEqual(a, b, (x, y) => x.key === y.key && x.partitions.equals(y.partitions));
}

/** Two rosters of one version: the operator signed twice, and every node must say so, whichever one it has. */
function compareRosters(state: State, { rosterVersion, rosterHash }: NodeRecord): void {
	const { roster, hash } = state.roster;
	if (rosterVersion !== roster.version || rosterHash === hash) return;
	alarm(state, 'roster-conflict', String(rosterVersion), { ours: hash, theirs: rosterHash });
}

/** Members that verify with other keys judge differently: an operator must know. */
function compareKeys(state: State, from: NodeId, { keys }: NodeRecord): void {
	const { keys: own } = state.config;
	if (keys === null || own === null || keys === own) clearAlarm(state, 'keys-differ', from);
	else alarm(state, 'keys-differ', from, { ours: own, theirs: keys });
}

/** Chain nodes tell the epoch with every statement; the median of those heard lately is the mesh's epoch. */
export function heedEpoch(state: State, event: EventOf<'statement'>): void {
	const { envelope, relay, ageMs } = event;
	const { from, epoch } = envelope;
	if (epoch < 0 || !hasRole(state, from, 'chain')) return;
	const peer = peerOf(state, from);
	if (!isOfNow(peer, event)) return;
	const mark = { epoch, at: state.now - ageMs };
	if (envelope.kind === 'rec' && relay === from) learnPace(state, peer, mark);
	if (peer.mark !== null && mark.epoch <= peer.mark.epoch) return;
	peer.mark = mark;
	const epochMs = longEpochMs(state.clock);
	// The lowest epoch first, each carried on to now: of two the lower one counts.
	const fresh: EpochMark[] = [];
	const beginning = (of: EpochMark): number => of.at - of.epoch * epochMs;
	for (const { mark: heard } of state.peers.values()) {
		if (heard === null || state.now - heard.at > limits.rankMs) continue;
		const begun = beginning(heard);
		let place = fresh.length;
		for (; place > 0 && beginning(fresh[place - 1] as EpochMark) < begun; place--)
			fresh[place] = fresh[place - 1] as EpochMark;
		fresh[place] = heard;
	}
	state.clock.others = fresh[(fresh.length - 1) >>> 1] ?? mark;
	if (reference(state.clock, state.now) !== state.clock.own) touch(state);
}

/**
 * Only records are handed on with their age. Anything else may have lain on a disk for days, with others or, from an
 * earlier start, with the chain node itself.
 */
function isOfNow({ record }: Peer, { envelope, relay }: EventOf<'statement'>): boolean {
	if (envelope.kind === 'rec') return true;
	return relay === envelope.from && envelope.incarnation >= (record?.envelope.incarnation ?? 0);
}

/** Only from records, whose age is told, and those that the chain node handed over itself: others may call old ones new. */
function learnPace(state: State, peer: Peer, mark: EpochMark): void {
	peer.pace ??= mark;
	if (mark.epoch - peer.pace.epoch < PACE_EPOCHS) return;
	peer.paceMs = intervalMs(peer.pace, mark);
	peer.pace = mark;
	if (state.clock.own !== null) return;
	// One word for each chain node, however often it speaks.
	const paces = [...state.peers].flatMap(([id, { paceMs }]) =>
		paceMs !== null && hasRole(state, id, 'chain') ? [paceMs] : [],
	);
	learnLength(state.clock, median(paces), 1);
}

/** A lease of this node ended without a result. */
export function noteEnded(state: State, work: WorkId, reason: ReleaseReason): void {
	const { records } = state;
	records.ended = [{ work, reason }, ...records.ended.filter((entry) => entry.work !== work)];
	records.ended.length = Math.min(records.ended.length, limits.recordEnded);
	records.changed = true;
}

/** A claim: told now and again shortly, so that one lost message does not cost it. */
export function announceClaim(state: State): void {
	state.records.changed = true;
	state.records.repeatsAt = limits.claimRepeatMs.map((pause) => state.now + pause);
}

/** The last record that this node sent. */
export function ownStatement(state: State): StatementOf<'rec'> | null {
	return state.records.own;
}

/** Sends the record when something changed, a repeat is due, or the last one grows old. */
export function sendRecord(state: State): void {
	const { records } = state;
	if (!state.identity.started) return;
	// Others leave a member out of their ranking until it is in sync: it must not wait for its next beacon.
	if (records.own !== null && records.own.envelope.body.synced !== isSynced(state)) records.changed = true;
	const repeat = records.repeatsAt[0] !== undefined && isReached(state, records.repeatsAt[0]);
	if (!records.changed && !repeat && !isOld(state)) return;
	if (!isReached(state, records.sentAt + limits.recordPauseMs)) return;
	records.repeatsAt = records.repeatsAt.filter((at) => at > state.now);
	records.changed = false;
	records.sentAt = state.now;
	records.own = { envelope: publish(state, { kind: 'rec', body: buildRecord(state) }), raw: null };
	if (records.repeatsAt[0] !== undefined) isReached(state, records.repeatsAt[0]);
	isOld(state);
}

function isOld(state: State): boolean {
	const ms = state.jobs.size > 0 ? holderRenewalMs(state) : idleRenewalMs(state);
	const spread = Math.floor((ms * JITTER_PERCENT) / 100);
	const from = state.records.sentAt + ms - spread;
	if (!isReached(state, from)) return false;
	return isReached(state, from + (renewalDraw(state) % (2 * spread + 1)));
}

/** Made anew with each statement of this node, and asked for with each look at the rules in between. */
function renewalDraw({ config, identity, records }: State): number {
	const { sequence } = identity;
	if (records.drawn?.sequence !== sequence) records.drawn = { sequence, draw: draw(config.self, 'renewal', sequence) };
	return records.drawn.draw;
}

function holderRenewalMs(state: State): number {
	const holders = new Set<NodeId>();
	for (const held of state.records.leases.values()) for (const id of held.keys()) holders.add(id);
	return Math.max(limits.renewMs, Math.ceil((holders.size * 1_000) / RENEWALS_PER_SECOND));
}

/** Chain nodes are the clock of the others, so they speak at least every few epochs. */
function idleRenewalMs(state: State): number {
	if (state.clock.own === null) return limits.beaconMs;
	const epochs = limits.beaconEpochs * longEpochMs(state.clock);
	return Math.min(limits.beaconMs, Math.max(limits.renewMs, epochs));
}

export function buildRecord(state: State): NodeRecord {
	const { clock, records, roster, slots } = state;
	const leases = state.jobs.keys().map((work) => ownLease(state, work));
	return {
		rosterVersion: roster.roster.version,
		rosterHash: roster.hash,
		slots: slots.names.length,
		// A slot that fell out while it was busy is still held.
		idle: Math.max(0, slots.names.length - slots.busy.size),
		health: state.liveness.health,
		chain: clock.own !== null && state.now - clock.own.at <= limits.rankMs,
		synced: isSynced(state),
		keys: state.config.keys,
		estimates: ownEstimates(state),
		leases: leases.slice(0, limits.recordLeases),
		ended: [...records.ended].sort((a, b) => (a.work < b.work ? -1 : 1)),
		have: heldOnce(state),
		submissions: records.submissions.slice(0, limits.recordSubmissions),
		objections: ownObjections(state),
		suspects: state.liveness.resets.keys().slice(0, limits.recordSuspects),
	};
}

/** The same list as long as it says the same, so that whoever is handed it sees so at a glance. */
function heldOnce(state: State): NodeRecord['have'] {
	const { records, told } = state;
	if (records.held?.told === told) return records.held.have;
	const before = records.held?.have ?? [];
	const have = resultsHeld(state);
	records.held = { told, have: isSameHave(before, have) ? before : have };
	return records.held.have;
}

/** Partitions of open challenges whose every known item has a verified result on this disk; the latest closes first. */
function resultsHeld(state: State): NodeRecord['have'] {
	const held = new SortedMap<ChallengeKey, { close: number; partitions: number[]; lacking: Set<number> }>();
	for (const { item, results } of state.works.values()) {
		const entry = held.obtain(item.key, () => ({ close: item.close, partitions: [], lacking: new Set() }));
		if (results.best === null) entry.lacking.add(item.partition);
		else entry.partitions.push(item.partition);
	}
	const newest = [...held]
		.filter(([, { partitions }]) => partitions.length > 0)
		.sort(([, a], [, b]) => b.close - a.close)
		.slice(0, limits.recordHave);
	const told: { readonly key: ChallengeKey; readonly partitions: Bitfield }[] = [];
	let bytes = 0;
	for (const [key, { partitions, lacking }] of newest) {
		const whole = Bitfield.of(partitions.filter((partition) => !lacking.has(partition)));
		const size = encodeBitfield(whole).length;
		bytes += HAVE_FRAME_BYTES + size;
		if (bytes > limits.recordHavesBytes) break;
		if (size <= limits.recordHaveBytes) told.push({ key, partitions: whole });
	}
	return told.sort((a, b) => (a.key < b.key ? -1 : 1));
}
