/**
 * Anti-entropy. Gossip is a means to be quick; what makes all nodes know the same is this: digests are exchanged with a
 * random peer every few seconds and with each new one at once, and what differs is pulled, in its sender's own bytes.
 */
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { sha256Hex } from '../codec/work-id.ts';
import type { Envelope, Statement } from '../domain/envelope.ts';
import type { Epoch, Hex32, NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { ChallengeDigest, ChallengePull, Digest, Pull } from '../domain/sync.ts';
import type { ChallengeKey } from '../domain/work.ts';
import type { AgedStatement, EventOf } from './api.ts';
import { derived } from './derived.ts';
import { currentEpoch } from './epoch-clock.ts';
import { isNewer } from './identity.ts';
import { connectedPeers } from './liveness.ts';
import { counts, isUnjudged } from './message.ts';
import { effect } from './outbox.ts';
import { jitter } from './rank.ts';
import { ownStatement } from './records.ts';
import { SortedMap } from './sorted-map.ts';
import type { State, StatementOf, Work } from './state.ts';
import { isReached, touch } from './wake.ts';
import { byChallenge } from './works.ts';

export interface SyncSlice {
	/** Completed exchanges since start, and when the node started. */
	completed: number;
	startedAt: number;
	/** The exchange in progress. */
	active:
		| { readonly peer: NodeId; readonly at: number; readonly stage: 'digest' }
		| {
				readonly peer: NodeId;
				readonly at: number;
				readonly stage: 'pull';
				readonly asked: Hex32;
				readonly isWhole: boolean;
		  }
		| null;
	nextAt: number;
	/** The last question whose answer was full, hashed. */
	fullPull: Hex32 | null;
	/** Newly connected peers and those whose digest showed something newer, in key order. */
	readonly wanted: SortedMap<NodeId, Digest | null>;
	rounds: number;
	/** Challenges of the last digest, for as long as nothing changes in the epoch. */
	digested: { readonly told: number; readonly epoch: Epoch; readonly challenges: readonly ChallengeDigest[] } | null;
	/** What the parts of the last digest covered, and their hashes. */
	readonly hashes: SortedMap<string, { readonly text: string; readonly hash: Hex32 }>;
}

const SHORT_CHARS = 16;
/** Four parts of each challenge that is exchanged. */
const KEPT_HASHES = 4 * limits.openChallenges;
/** At most, of the parts of a question: a challenge without its lists, a member, its holdings, a short hash, a result. */
const FRAME_BYTES = 64;
const NODE_BYTES = 56;
const VERSION_BYTES = 80;
const HASH_BYTES = 9;
const RESULT_BYTES = 44;
/** Bytes of an own statement before it is sealed: an estimate that keeps answers below their bound. */
const OWN_STATEMENT_BYTES = 16 * 1024;

export function createSyncSlice(now: number): SyncSlice {
	return {
		completed: 0,
		startedAt: now,
		active: null,
		nextAt: now,
		wanted: new SortedMap(),
		hashes: new SortedMap(),
		rounds: 0,
		fullPull: null,
		digested: null,
	};
}

export function onSyncPeer(state: State, peer: NodeId): void {
	state.sync.wanted.set(peer, null);
	state.dirty = true;
}

/** Begins the next exchange: wanted peers first, else a random one when it is time. One at a time. */
export function driveSync(state: State): void {
	const { sync } = state;
	if (!state.identity.started) return;
	if (sync.active !== null && !isReached(state, sync.active.at + limits.syncTimeoutMs)) return;
	sync.active = null;
	if (sync.wanted.size === 0 && !isReached(state, sync.nextAt)) return;
	const connected = connectedPeers(state);
	for (const id of sync.wanted.keys()) if (!connected.includes(id)) sync.wanted.delete(id);
	const [wanted] = sync.wanted.entries();
	if (wanted !== undefined) {
		begin(state, wanted[0], wanted[1]);
		return;
	}
	if (!isReached(state, sync.nextAt) || connected.length === 0) return;
	sync.nextAt = state.now + limits.syncMs;
	const chosen = connected[jitter(state.config.self, 'sync', sync.rounds++, connected.length)];
	if (chosen !== undefined) begin(state, chosen, null);
}

function begin(state: State, peer: NodeId, theirs: Digest | null): void {
	const { sync } = state;
	sync.wanted.delete(peer);
	if (theirs !== null) {
		pullFrom(state, peer, theirs);
	} else {
		sync.active = { peer, at: state.now, stage: 'digest' };
		effect(state, { type: 'sync', peer, digest: buildDigest(state) });
	}
	// Where there was nothing to pull, the next one is looked at with the next tick.
	isReached(state, sync.active === null ? state.now + 1 : sync.active.at + limits.syncTimeoutMs);
}

export function onSyncAnswered(state: State, { peer, digest }: EventOf<'sync-answered'>): void {
	if (state.sync.active?.peer !== peer || state.sync.active.stage !== 'digest') return;
	state.sync.active = null;
	if (digest !== null) pullFrom(state, peer, digest);
	if (isReached(state, state.sync.nextAt)) touch(state);
	if (state.sync.wanted.size > 0) state.dirty = true;
}

/** A peer shows what it knows: it gets the same from here, and what it has newer is pulled in turn. */
export function onSyncAsked(state: State, { request, peer, digest }: EventOf<'sync-asked'>): void {
	const ours = buildDigest(state);
	effect(state, { type: 'answer-sync', request, digest: ours });
	if (isEmpty(buildPull(state, ours, digest))) return;
	state.sync.wanted.set(peer, digest);
	state.dirty = true;
}

function pullFrom(state: State, peer: NodeId, theirs: Digest): void {
	const { sync } = state;
	const pull = buildPull(state, buildDigest(state), theirs);
	if (isEmpty(pull)) {
		complete(state);
		return;
	}
	const asked = hashOf([peer, JSON.stringify(pull)]);
	if (asked === sync.fullPull) {
		// The same would come again, to be judged no sooner: it waits for a round of its own.
		sync.fullPull = null;
		sync.nextAt = state.now + limits.syncMs;
		return;
	}
	const part = cutToSize(state, peer, pull);
	sync.active = { peer, at: state.now, stage: 'pull', asked, isWhole: part === pull };
	effect(state, { type: 'pull', peer, pull: part });
}

export function onPulled(state: State, { peer, ok, more }: EventOf<'pulled'>): void {
	const { sync } = state;
	if (sync.active?.peer !== peer || sync.active.stage !== 'pull') return;
	const { asked, isWhole } = sync.active;
	sync.active = null;
	state.dirty = true;
	if (!ok) return;
	if (more || !isWhole) {
		sync.fullPull = asked;
		sync.wanted.set(peer, null);
	} else {
		complete(state);
	}
}

/** After the first whole exchange this node knows enough to claim. */
function complete(state: State): void {
	if (state.sync.completed++ === 0) state.dirty = true;
}

export function onPullAsked(state: State, { request, pull }: EventOf<'pull-asked'>): void {
	const statements: AgedStatement[] = [];
	let bytes = 0;
	let more = false;
	const offer = (statement: Statement | null, ageMs = 0): void => {
		if (statement === null || more) return;
		bytes += statement.raw?.length ?? OWN_STATEMENT_BYTES;
		more = bytes > limits.pullAnswerBytes / 2 || statements.length >= limits.pullAnswerStatements;
		if (!more) statements.push({ statement, ageMs });
	};
	for (const id of pull.records) {
		const peer = state.peers.get(id);
		if (id === state.config.self) offer(ownStatement(state), state.now - state.records.sentAt);
		else if (peer?.record != null) offer(peer.record, Math.max(0, state.now - peer.recordAt));
	}
	for (const known of pull.challenges) for (const statement of newerOf(state, known)) offer(statement);
	if (pull.holdings !== null) {
		const theirs = new Map(pull.holdings.map((known) => [`${known.node}/${known.miner}`, known]));
		for (const [key, statement] of state.holdings.statements) {
			const known = theirs.get(key);
			if (known === undefined || isNewer(statement.envelope, known)) offer(statement);
		}
	}
	effect(state, { type: 'answer-pull', request, roster: pull.roster, statements, more });
}

// ------------------------------------------------------------------------------------------------------------- digests

export function buildDigest(state: State): Digest {
	return {
		rosterVersion: state.roster.roster.version,
		rosterHash: state.roster.hash,
		records: recordsKnown(state),
		holdings: holdingsHash(state.holdings.statements),
		challenges: digestChallenges(state),
	};
}

const holdingsHash = derived((statements: readonly StatementOf<'hold'>[]) =>
	hashOf(
		statements.map(
			({ envelope: { from, incarnation, sequence, body } }) => `${from}/${body.miner}/${incarnation}/${sequence}`,
		),
	),
);

/** Ascending by node. */
function recordsKnown(state: State): Digest['records'] {
	const known: Digest['records'][number][] = [];
	const add = (statement: StatementOf<'rec'> | null): void => {
		if (statement === null) return;
		const { from, incarnation, sequence } = statement.envelope;
		known.push({ node: from, incarnation, sequence });
	};
	for (const { record } of state.peers.values()) add(record);
	add(ownStatement(state));
	return known.sort((a, b) => (a.node < b.node ? -1 : 1));
}

/** Every member is asked and answered every few seconds, and seldom anything has changed since. */
function digestChallenges(state: State): readonly ChallengeDigest[] {
	const { told, sync } = state;
	const epoch = currentEpoch(state.clock, state.now);
	if (sync.digested?.told !== told || sync.digested.epoch !== epoch) {
		const challenges = [...openChallenges(state)].map(([key, works]) => digestOf(state, key, works));
		sync.digested = { told, epoch, challenges };
	}
	return sync.digested.challenges;
}

/** Works of the challenges that are still exchanged, by challenge. */
function openChallenges(state: State): SortedMap<ChallengeKey, readonly Work[]> {
	const epoch = currentEpoch(state.clock, state.now);
	const open = new SortedMap<ChallengeKey, readonly Work[]>();
	for (const [key, works] of byChallenge(state.works)) {
		const over = works.every(({ item }) => epoch > item.close + limits.announcementGraceEpochs);
		if ((epoch < 0 || !over) && open.size < limits.openChallenges) open.set(key, works);
	}
	return open;
}

function digestOf(state: State, key: ChallengeKey, works: readonly Work[]): ChallengeDigest {
	const known = knownOf(state, key, works, false);
	return {
		key,
		announcements: keptHash(state, `${key}/ann`, known.announcements),
		results: keptHash(
			state,
			`${key}/res`,
			known.results.map(({ work, hash }) => `${work}/${hash}`),
		),
		submissions: keptHash(state, `${key}/sub`, known.submissions),
		refusals: keptHash(state, `${key}/ref`, known.refusals),
	};
}

/** The hash for this part of the digest, made anew only when what it covers has changed. */
function keptHash(state: State, part: string, covered: readonly string[]): Hex32 {
	const text = covered.join('\n');
	const { hashes } = state.sync;
	const kept = hashes.get(part);
	if (kept?.text === text) return kept.hash;
	if (hashes.size > KEPT_HASHES) for (const old of hashes.keys()) hashes.delete(old);
	const hash = sha256Hex(utf8ToBytes(text));
	hashes.set(part, { text, hash });
	return hash;
}

/** `pending`: with what waits for its judgement here, so that it is not sent again meanwhile. */
function knownOf(state: State, key: ChallengeKey, works: readonly Work[], pending: boolean): ChallengePull {
	const ids = new Set(works.map(({ item }) => item.id));
	return {
		key,
		announcements: state.announce.statements.get(key)?.keys() ?? [],
		results: works.flatMap(({ item, results: { best, candidates } }) => {
			// All candidates are better than the best one.
			const hash = (pending ? candidates.keys()[0] : undefined) ?? best?.hash;
			return hash === undefined ? [] : [{ work: item.id, hash: hash.slice(0, SHORT_CHARS) }];
		}),
		submissions: [...state.messages.values()]
			.filter((message) => (counts(message) && message.statement !== null) || (pending && isUnjudged(message)))
			.filter((message) => ids.has(message.submission.work))
			.map(({ short }) => short)
			.sort()
			.slice(0, limits.challengeSubmissions),
		refusals: works
			.flatMap(({ refusals }) => [...refusals.values()].map(({ envelope }) => refusalIdentity(envelope)))
			.sort()
			.slice(0, limits.challengeRefusals),
	};
}

function refusalIdentity({ from, incarnation, sequence }: Envelope): string {
	return sha256Hex(utf8ToBytes(`${from}/${incarnation}/${sequence}`)).slice(0, SHORT_CHARS);
}

function hashOf(parts: readonly string[]): Hex32 {
	return sha256Hex(utf8ToBytes(parts.join('\n')));
}

/** What the other side may have that this node lacks. */
function buildPull(state: State, ours: Digest, theirs: Digest): Pull {
	const versions = new Map(ours.records.map((known) => [known.node, known]));
	const records = theirs.records.filter((their) => {
		const known = versions.get(their.node);
		return state.roster.byId.has(their.node) && (known === undefined || isNewer(their, known));
	});
	const mine = new Map(ours.challenges.map((known) => [known.key, known]));
	const challenges = theirs.challenges.flatMap((their) => {
		const known = mine.get(their.key);
		const equal =
			known !== undefined &&
			known.announcements === their.announcements &&
			known.refusals === their.refusals &&
			// Who cannot judge results and messages never has any that count.
			(state.config.keys === null || (known.results === their.results && known.submissions === their.submissions));
		return equal ? [] : [knownOf(state, their.key, openChallenges(state).get(their.key) ?? [], true)];
	});
	const { rosterVersion, rosterHash } = theirs;
	const newerRoster =
		rosterVersion > ours.rosterVersion || (rosterVersion === ours.rosterVersion && rosterHash < ours.rosterHash);
	return {
		roster: newerRoster,
		records: records.map(({ node }) => node),
		holdings: theirs.holdings === ours.holdings ? null : holdingsKnown(state),
		challenges,
	};
}

/** The part of a question that fits one, with other challenges each time: the rest is asked for like what an answer left out. */
function cutToSize(state: State, peer: NodeId, pull: Pull): Pull {
	const { challenges } = pull;
	let room =
		limits.pullBytes - FRAME_BYTES - pull.records.length * NODE_BYTES - (pull.holdings?.length ?? 0) * VERSION_BYTES;
	const start = jitter(state.config.self, peer, Math.floor(state.now / limits.tickMs), challenges.length);
	const kept = [...challenges.slice(start), ...challenges.slice(0, start)].filter(
		({ announcements, results, submissions, refusals }) => {
			const hashes = announcements.length + submissions.length + refusals.length;
			room -= FRAME_BYTES + hashes * HASH_BYTES + results.length * RESULT_BYTES;
			return room >= 0;
		},
	);
	if (kept.length === challenges.length) return pull;
	return { ...pull, challenges: kept.sort((a, b) => (a.key < b.key ? -1 : 1)) };
}

function holdingsKnown(state: State): Pull['holdings'] {
	return [...state.holdings.statements.values()].slice(0, limits.holdingsKnown).map(({ envelope }) => ({
		node: envelope.from,
		miner: envelope.body.miner,
		incarnation: envelope.incarnation,
		sequence: envelope.sequence,
	}));
}

function isEmpty(pull: Pull): boolean {
	return !pull.roster && pull.records.length === 0 && pull.holdings === null && pull.challenges.length === 0;
}

/** Statements of a challenge beyond what the asking side named. */
function newerOf(state: State, theirs: ChallengePull): readonly Statement[] {
	const works = openChallenges(state).get(theirs.key) ?? [];
	const announced = new Set(theirs.announcements);
	const results = new Map(theirs.results.map(({ work, hash }) => [work, hash]));
	const submissions = new Set(theirs.submissions);
	const refusals = new Set(theirs.refusals);
	const ids = new Set(works.map(({ item }) => item.id));
	const news: Statement[] = [];
	for (const [identity, statement] of state.announce.statements.get(theirs.key) ?? []) {
		if (!announced.has(identity)) news.push(statement);
	}
	for (const message of state.messages.values()) {
		const wanted = counts(message) && ids.has(message.submission.work) && !submissions.has(message.short);
		if (wanted && message.statement !== null) news.push(message.statement);
	}
	for (const { refusals: known } of works) {
		for (const statement of known.values())
			if (!refusals.has(refusalIdentity(statement.envelope))) news.push(statement);
	}
	for (const {
		item,
		results: { best },
	} of works) {
		if (best !== null && results.get(item.id) !== best.hash.slice(0, SHORT_CHARS)) news.push(best.statement);
	}
	return news;
}
