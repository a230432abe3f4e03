/**
 * What two nodes tell each other to find out who knows more: hashes over all that is known of each challenge, then the
 * question for what differs, then the statements that answer it.
 */
import { textHash } from '../codec/work-id.ts';
import type { Envelope, Statement } from '../domain/envelope.ts';
import type { Hex32, NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { ChallengeDigest, ChallengePull, Digest, Pull } from '../domain/sync.ts';
import type { ChallengeKey } from '../domain/work.ts';
import { derived } from './derived.ts';
import { currentEpoch } from './epoch-clock.ts';
import { isNewer } from './identity.ts';
import { counts, isUnjudged } from './message.ts';
import { jitter } from './rank.ts';
import { ownStatement } from './records.ts';
import { SortedMap } from './sorted-map.ts';
import type { State, StatementOf, Work } from './state.ts';
import { messagesOf } from './submission.ts';
import { byChallenge } from './works.ts';

const SHORT_CHARS = 16;
/** Four parts of each challenge that is exchanged. */
const KEPT_HASHES = 4 * limits.openChallenges;
/** At most, of the parts of a question: a challenge without its lists, a member, its holdings, a short hash, a result. */
const FRAME_BYTES = 64;
const NODE_BYTES = 56;
const VERSION_BYTES = 80;
const HASH_BYTES = 9;
const RESULT_BYTES = 44;

export function buildDigest(state: State): Digest {
	const { rosterVersion, rosterHash, ...others } = knownBeyondRecords(state);
	return { rosterVersion, rosterHash, records: recordsKnown(state), ...others };
}

function knownBeyondRecords(state: State): Omit<Digest, 'records'> {
	return {
		rosterVersion: state.roster.roster.version,
		rosterHash: state.roster.hash,
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
	const own = ownStatement(state);
	let isIn = false;
	for (const [id, { record }] of state.peers) {
		if (!isIn && state.config.self < id) {
			add(own);
			isIn = true;
		}
		add(record);
	}
	if (!isIn) add(own);
	return known;
}

/** Every member is asked and answered every few seconds, and seldom anything has changed since. */
function digestChallenges(state: State): readonly ChallengeDigest[] {
	const { told, sync } = state;
	const open = openChallenges(state);
	const { digested } = sync;
	const isSame = digested?.told === told && isSameList(digested.challenges, open.keys(), ({ key }) => key);
	if (isSame) return digested.challenges;
	const challenges = [...open].map(([key, works]) => digestOf(state, key, works));
	sync.digested = { told, challenges };
	return challenges;
}

function isSameList<T, K>(a: readonly T[], b: readonly K[], keyOf: (member: T) => K): boolean {
	return a.length === b.length && a.every((member, i) => keyOf(member) === b[i]);
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
	const hash = textHash(text);
	hashes.set(part, { text, hash });
	return hash;
}

/** `pending`: with what waits for its judgement here, so that it is not sent again meanwhile. */
function knownOf(state: State, key: ChallengeKey, works: readonly Work[], pending: boolean): ChallengePull {
	return {
		key,
		announcements: state.announce.statements.get(key)?.keys() ?? [],
		results: works.flatMap(({ item, results: { best, candidates } }) => {
			// All candidates are better than the best one.
			const hash = (pending ? candidates.keys()[0] : undefined) ?? best?.hash;
			return hash === undefined ? [] : [{ work: item.id, hash: hash.slice(0, SHORT_CHARS) }];
		}),
		submissions: works
			.flatMap((work) => messagesOf(state, work))
			.filter((message) => (counts(message) && message.statement !== null) || (pending && isUnjudged(message)))
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
	return textHash(`${from}/${incarnation}/${sequence}`).slice(0, SHORT_CHARS);
}

export function hashOf(parts: readonly string[]): Hex32 {
	return textHash(parts.join('\n'));
}

/** What the other side may have that this node lacks. */
export function buildPull(state: State, theirs: Digest): Pull {
	const ours = knownBeyondRecords(state);
	const records = theirs.records.filter((their) => {
		const known = versionOf(state, their.node);
		return known === undefined || (known !== null && isNewer(their, known));
	});
	let mine: Map<ChallengeKey, ChallengeDigest> | undefined;
	const challenges = theirs.challenges.flatMap((their, i) => {
		// Both list them in order of their keys, and mostly the same ones.
		const same = ours.challenges[i];
		mine ??= same?.key === their.key ? undefined : new Map(ours.challenges.map((known) => [known.key, known]));
		const known = mine === undefined ? same : mine.get(their.key);
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

/** The last record known of a member; null of who is none. */
function versionOf(state: State, node: NodeId): Envelope | null | undefined {
	if (!state.roster.byId.has(node)) return null;
	const record = node === state.config.self ? ownStatement(state) : state.peers.get(node)?.record;
	return record?.envelope;
}

/** The part of a question that fits one, with other challenges each time: the rest is asked for like what an answer left out. */
export function cutToSize(state: State, peer: NodeId, pull: Pull): Pull {
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

export function isEmpty(pull: Pull): boolean {
	return !pull.roster && pull.records.length === 0 && pull.holdings === null && pull.challenges.length === 0;
}

/** Statements of a challenge beyond what the asking side named. */
export function newerOf(state: State, theirs: ChallengePull): readonly Statement[] {
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
