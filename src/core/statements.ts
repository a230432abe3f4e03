/**
 * Announcements and tombstones as they were signed, kept to be served to members that missed them. What is kept is the
 * same on every node that heard the same, in whatever order: the newest of each author and content, and of an author
 * that says more than its share the lowest identities. Else digests would differ for as long as the deadline is open.
 */
import { encodeCbor } from '../codec/cbor.ts';
import { challengeKey, sha256Hex } from '../codec/work-id.ts';
import type { NodeId, WorkId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { ChallengeKey } from '../domain/work.ts';
import { isNewer } from './identity.ts';
import { keys, writeStatement } from './keys.ts';
import { del, ignore, put } from './outbox.ts';
import { SortedMap } from './sorted-map.ts';
import type { State, StatementOf, Work } from './state.ts';
import { liveMessageOf } from './submission.ts';
import { byChallenge, itemsOf, retire } from './works.ts';

/** SHA-256 digits that tell two statements apart, by what they say and by when it was said. */
const CONTENT_CHARS = 10;
const VERSION_CHARS = 6;

type Announced = StatementOf<'ann'> | StatementOf<'tomb'>;
type Known = SortedMap<string, Announced>;

/** False for what is known in a newer version and what would be the first to give way: nothing of it is taken in. */
export function hasPlace(state: State, statement: Announced, works: readonly WorkId[]): boolean {
	const known = state.announce.statements.get(keyOf(state, statement));
	if (known === undefined) return true;
	const identity = identityOf(statement, works);
	const earlier = sameContent(known, statement, identity);
	if (earlier !== undefined) return isNewer(statement.envelope, earlier[1].envelope);
	if (surplusOf(known, statement.envelope.from, identity) !== identity) return true;
	ignore(state, 'too-many-announcements');
	return false;
}

/** Keeps one that has its place, beside the items it brought in; what gives way for it takes its items along. */
export function keepStatement(state: State, statement: Announced, works: readonly WorkId[]): void {
	const key = keyOf(state, statement);
	// It is forgotten with the last item of its challenge, so that one without any would stay for ever.
	const isAnchored = works.some((id) => state.works.get(id)?.item.key === key) || byChallenge(state.works).has(key);
	if (!isAnchored) return;
	const identity = identityOf(statement, works);
	const known = state.announce.statements.obtain(key, () => new SortedMap());
	const earlier = sameContent(known, statement, identity);
	const surplus = earlier === undefined ? surplusOf(known, statement.envelope.from, identity) : undefined;
	known.set(identity, statement);
	put(state, keys.announcement(key, identity), writeStatement(statement));
	if (earlier !== undefined) drop(state, key, known, earlier[0]);
	if (surplus === undefined) return;
	const gone = known.get(surplus);
	drop(state, key, known, surplus);
	ignore(state, 'too-many-announcements');
	if (gone !== undefined) takeBack(state, known, gone);
}

function keyOf(state: State, { envelope }: Announced): ChallengeKey {
	return challengeKey(state.config.network, envelope.body.challenge);
}

function identityOf({ envelope }: Announced, works: readonly WorkId[]): string {
	const { from, kind, incarnation, sequence } = envelope;
	const content = sha256Hex(encodeCbor([from, kind, works])).slice(0, CONTENT_CHARS);
	return content + sha256Hex(encodeCbor([incarnation, sequence])).slice(0, VERSION_CHARS);
}

function sameContent(known: Known, { envelope }: Announced, identity: string) {
	const content = identity.slice(0, CONTENT_CHARS);
	return known
		.entries()
		.find(
			([other, { envelope: its }]) =>
				other.startsWith(content) && its.from === envelope.from && its.kind === envelope.kind,
		);
}

/** What gives way once this one is in: the highest of an author above its share, then of the author with the most. */
function surplusOf(known: Known, from: NodeId, identity: string): string | undefined {
	const byAuthor = new SortedMap<NodeId, string[]>();
	for (const [other, { envelope }] of known) byAuthor.obtain(envelope.from, () => []).push(other);
	const own = byAuthor.obtain(from, () => []);
	own.push(identity);
	if (own.length > limits.announcerStatements) return highest(own);
	if (known.size < limits.challengeStatements) return undefined;
	let most: readonly string[] = [];
	for (const identities of byAuthor.values()) if (identities.length >= most.length) most = identities;
	return highest(most);
}

function highest(identities: readonly string[]): string | undefined {
	return [...identities].sort().at(-1);
}

function drop(state: State, key: ChallengeKey, known: Known, identity: string): void {
	known.delete(identity);
	del(state, keys.announcement(key, identity));
}

/** Items that the author names in no other statement count as not named by it. */
function takeBack(state: State, known: Known, gone: Announced): void {
	const { from, kind } = gone.envelope;
	const kept = new Set(known.values().flatMap((other) => (other.envelope.from === from ? worksOf(state, other) : [])));
	for (const id of worksOf(state, gone)) {
		const work = state.works.get(id);
		if (work === undefined || kept.has(id)) continue;
		if (kind === 'tomb') work.tombs.delete(from);
		else unsay(state, work, from, 'too-many-announcements');
	}
	state.dirty = true;
}

function worksOf(state: State, { envelope }: Announced): readonly WorkId[] {
	if (envelope.kind === 'tomb') return envelope.body.works;
	return itemsOf(state, envelope.body.challenge, envelope.body.items).map(({ id }) => id);
}

/** The member's word on the item counts no more; what nobody else names, and nobody works on, is forgotten. */
export function unsay(state: State, work: Work, from: NodeId, why: string): void {
	const { item, announcers, tombs, results, ownView } = work;
	announcers.delete(from);
	tombs.delete(from);
	const spoken = ownView === 'agrees' || results.best !== null || liveMessageOf(state, work) !== undefined;
	const needed = spoken || state.jobs.has(item.id);
	if (announcers.size === 0 && !needed && state.works.has(item.id)) retire(state, work, why);
}
