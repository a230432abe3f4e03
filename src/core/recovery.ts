/**
 * Start after a crash or a stop: the next incarnation, what the disk held, nothing in flight. Results are verified again
 * before they count; leases are not resumed, since a worker's proof does not outlive the node, so the first record frees
 * them for everyone.
 */

import type { BodyKind, Statement } from '../domain/envelope.ts';
import { PosterError } from '../domain/errors.ts';
import { type CidText, nodeId, type WorkId, workIdOf } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { proofShape } from '../domain/proof.ts';
import { challengeKeyOf } from '../domain/work.ts';
import { keepAnnouncement, keepTombstone } from './announce.ts';
import type { EventOf, Recovered } from './api.ts';
import { onHoldings } from './holdings.ts';
import { keys, readCrashes, readNumbers, readObjections, readStatement } from './keys.ts';
import { peerOf } from './liveness.ts';
import { enterMessage } from './messages.ts';
import { alarm, del } from './outbox.ts';
import { keysMark, onResult } from './results.ts';
import { onRefusal, recoverObjections } from './skips.ts';
import type { State, Work } from './state.ts';
import { keepDurations } from './timing.ts';

/** Prefixes in the order in which later entries need earlier ones: items first, for one, then what takes them back. */
const ORDER: readonly (readonly [prefix: string, kind?: BodyKind])[] = [
	['i'],
	['q'],
	['d/'],
	['a/', 'ann'],
	['a/', 'tomb'],
	['h/'],
	['c/'],
	['k/'],
	['e/'],
	['f/'],
	['r/'],
	['s/'],
	['o/'],
	['w/'],
];

export function recover(state: State, recovered: Recovered): void {
	const entries = [...recovered];
	for (const [prefix, kind] of ORDER) {
		for (const [key, value] of entries) {
			if (prefix.endsWith('/') ? key.startsWith(prefix) : key === prefix) recoverEntry(state, key, value, kind);
		}
	}
	// Writes of what is on disk already, and effects of a node that does not run yet, go nowhere.
	state.out = { persist: [], after: [] };
	// Left behind by a crash between two deletions, or of members and items that count no more.
	state.orphans = entries.flatMap(([key]) => (isOrphan(state, key) ? [key] : []));
}

/** An entry that nothing in the state stands for, so that nothing would ever delete it. */
function isOrphan(state: State, key: string): boolean {
	const [prefix, first = '', second = '', third = ''] = key.split('/');
	const work = (): Work | undefined => state.works.get(workIdOf(first));
	switch (prefix) {
		case 'a':
			return state.announce.statements.get(challengeKeyOf(first))?.has(second) !== true;
		case 'c':
		case 'k':
		case 'r':
			return work() === undefined;
		case 'f':
			return work()?.refusals.has(nodeId(second)) !== true;
		case 'o':
		case 'w':
			return work() === undefined;
		case 'h':
			return !state.holdings.statements.has(`${first}/${second}`);
		case 'e':
			return (state.peers.get(nodeId(first))?.distrustedUntil ?? -1) < 0;
		case 's':
			return !state.messages.has(third as CidText);
		default:
			return false;
	}
}

/** Deletes what recovery found to be left behind, some at a time: a whole deadline of them is no burden on one batch. */
export function dropOrphans(state: State): void {
	for (const key of state.orphans.splice(0, limits.dropsPerSecond)) del(state, key);
}

export function onSetAside(state: State, { keys: [first = '', ...more] }: EventOf<'set-aside'>): void {
	alarm(state, 'entries-set-aside', first, { entries: 1 + more.length });
}

function recoverEntry(state: State, key: string, value: Uint8Array, kind: BodyKind | undefined): void {
	try {
		const [prefix, ...rest] = key.split('/');
		switch (prefix) {
			case keys.incarnation:
				state.identity.incarnation = (readNumbers(value)[0] ?? 0) + 1;
				return;
			case keys.sequence:
				state.identity.sequence = readNumbers(value)[0] ?? 0;
				state.identity.reserved = state.identity.sequence;
				return;
			case 'c':
				recoverTerm(state, workIdOf(rest[0] ?? ''), readNumbers(value)[0] ?? 0);
				return;
			case 'k': {
				const work = state.works.get(workIdOf(rest[0] ?? ''));
				if (work !== undefined) Object.assign(work.claim, readCrashes(value));
				return;
			}
			case 'e': {
				const [until = -1, mark] = readNumbers(value);
				if (mark === keysMark(state)) peerOf(state, nodeId(rest[0] ?? '')).distrustedUntil = until;
				return;
			}
			case 'd': {
				const proofType = Number(rest[0]);
				proofShape(proofType);
				keepDurations(state, proofType, readNumbers(value));
				return;
			}
			case 'o': {
				const work = state.works.get(workIdOf(rest[0] ?? ''));
				if (work !== undefined) recoverObjections(work, readObjections(value));
				return;
			}
			case 'w': {
				const work = state.works.get(workIdOf(rest[0] ?? ''));
				if (work !== undefined) work.watched = true;
				return;
			}
			default: {
				const statement = readStatement(value);
				if (kind === undefined || statement.envelope.kind === kind) recoverStatement(state, statement);
			}
		}
	} catch (cause) {
		throw new PosterError('store-damaged', `the stored entry ${key} cannot be read`, {
			cause,
			advice: 'Stop the node, move the store aside and start again: what it held is fetched from the peers.',
			meta: { key },
		});
	}
}

function recoverTerm(state: State, id: WorkId, term: number): void {
	const work = state.works.get(id);
	if (work !== undefined) work.claim.term = term;
}

function recoverStatement(state: State, { envelope, raw }: Statement): void {
	// From before the mesh went to another chain, where the same numbers mean other partitions.
	if (envelope.network !== state.config.network) return;
	switch (envelope.kind) {
		case 'ann':
			keepAnnouncement(state, { envelope, raw });
			return;
		case 'tomb':
			keepTombstone(state, { envelope, raw });
			return;
		case 'hold':
			onHoldings(state, { envelope, raw });
			return;
		case 'ref':
			onRefusal(state, { envelope, raw });
			return;
		case 'res':
			onResult(state, { envelope, raw }, true);
			return;
		case 'sub': {
			const work = state.works.get(envelope.body.work);
			if (work === undefined) return;
			// No head was seen yet: what the envelope says is when it was new.
			const message = enterMessage(state, work, envelope.body, envelope.epoch);
			// It was written only after it had been checked in full.
			message.statement = { envelope, raw };
			message.proofGood = true;
			message.signatureGood = true;
			message.held = raw === null;
			if (message.held) return;
			state.records.submissions = [message.short, ...state.records.submissions].slice(0, limits.recordSubmissions);
			return;
		}
		case 'rec':
			return;
	}
}
