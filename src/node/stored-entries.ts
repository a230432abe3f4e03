/**
 * What the store held, as the core begins with it. An entry that the core cannot read, or on which its rules fail, is set
 * aside: the process would end on it at every start, and peers have what it held. Nobody can tell which entry a failure
 * comes from but by trying, so the core is tried with less and less of them, on states that are thrown away.
 */
import type { CoreConfig, Event, Step } from '../core/api.ts';
import { keys, readStatement } from '../core/keys.ts';
import { createState, type State, step } from '../core/poster.ts';
import type { Statement } from '../domain/envelope.ts';
import { isPosterError } from '../domain/errors.ts';
import { epoch } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Log } from '../ports/log.ts';
import type { Store } from '../ports/store.ts';
import { statementHash } from './inbound.ts';
import type { Quarantine } from './quarantine.ts';

type Entry = readonly [key: string, value: Uint8Array];

/** Manifests, proof times and what was set aside: what the node keeps in the store beside the core. */
const NOT_OF_THE_CORE = ['m/', 't/', 'x/'];
const ASIDE = 'x/';
/** Where results and messages are kept. */
const OWN_WORK = ['r/', 's/'];
/** Without them a node would give a sequence number to two statements: never set aside. */
const NUMBERS: readonly string[] = [keys.incarnation, keys.sequence];
/** Failures that no input explains, until all statements of others, or all entries, go: what is stored may be why. */
const UNEXPLAINED_TO_DROP_OTHERS = 4;
const UNEXPLAINED_TO_DROP_ALL = 8;

/** The core, or what a test puts in its place. */
export interface Core {
	createState(config: CoreConfig, recovered: readonly Entry[]): State;
	step(state: State, event: Event, now: number): Step;
}

export interface StartedCore {
	readonly state: State;
	/** Keys of the entries that were set aside. */
	readonly aside: readonly string[];
}

/** Throws what the core throws when no entry is to blame for it. */
export async function startCore(
	{ store, quarantine, log }: { readonly store: Store; readonly quarantine: Quarantine; readonly log: Log },
	config: CoreConfig,
	core: Core = { createState, step },
): Promise<StartedCore> {
	const all: Entry[] = [];
	for await (const entry of store.entries('')) {
		if (!NOT_OF_THE_CORE.some((prefix) => entry[0].startsWith(prefix))) all.push(entry);
	}
	const trial = (entries: readonly Entry[]): unknown => failureOf(core, config, entries, quarantine);
	const { kept, aside, failure } = sift(all.filter(isWanted(quarantine.unexplained)), trial);
	const state = core.createState(config, kept);
	const stay = new Set(kept);
	const gone = all.filter((entry) => !stay.has(entry));
	if (gone.length > 0) {
		const names = gone.slice(0, limits.setAside).map(([key]) => key);
		log.error({ error: failure, entries: gone.length, keys: names }, 'stored entries are set aside');
		await setAside(store, gone);
		await quarantine.condemn(aside.flatMap(hashOf));
	}
	return { state, aside: gone.map(([key]) => key) };
}

function isWanted(unexplained: number): (entry: Entry) => boolean {
	if (unexplained >= UNEXPLAINED_TO_DROP_ALL) return ([key]) => NUMBERS.includes(key);
	if (unexplained >= UNEXPLAINED_TO_DROP_OTHERS) return (entry) => hashOf(entry).length === 0;
	return () => true;
}

/** The failure of a core that begins with these entries; undefined when it runs. */
function failureOf(
	core: Core,
	config: CoreConfig,
	entries: readonly Entry[],
	{ crashes, epoch: height }: Quarantine,
): unknown {
	try {
		const state = core.createState(config, entries);
		// Rules cost time: they are tried only when they failed before.
		if (crashes === 0) return undefined;
		core.step(state, { type: 'tick' }, 0);
		if (height !== null) core.step(state, { type: 'head', epoch: epoch(height) }, 0);
		for (let now = 0; now <= limits.trialMs; now += limits.tickMs) core.step(state, { type: 'tick' }, now);
		return undefined;
	} catch (error) {
		return error;
	}
}

interface Sifted {
	readonly kept: readonly Entry[];
	readonly aside: readonly Entry[];
	/** The last one seen. */
	readonly failure: unknown;
}

/**
 * Leaves out one entry after another, each the last of the shortest beginning of the list with which the core fails. A
 * failure that no entry is to blame for is left to the real start.
 */
function sift(entries: readonly Entry[], trial: (entries: readonly Entry[]) => unknown): Sifted {
	let kept = entries;
	let failure: unknown;
	const aside: Entry[] = [];
	for (;;) {
		const found = trial(kept);
		if (found === undefined) return { kept, aside, failure };
		failure = found;
		let runs = 0;
		let fails = kept.length;
		while (fails - runs > 1) {
			const middle = (runs + fails) >> 1;
			if (trial(kept.slice(0, middle)) === undefined) runs = middle;
			else fails = middle;
		}
		const culprit = kept[fails - 1];
		const isBlameless = culprit === undefined || NUMBERS.includes(culprit[0]) || trial([]) !== undefined;
		if (isBlameless || aside.length >= limits.setAside) return { kept, aside, failure };
		aside.push(culprit);
		kept = kept.filter((entry) => entry !== culprit);
	}
}

/**
 * They stay in the store for whoever looks for the bug, until others are set aside; own results and messages longer,
 * since nobody else may have them.
 */
async function setAside(store: Store, entries: readonly Entry[]): Promise<void> {
	const before: string[] = [];
	const own: string[] = [];
	for await (const [key, value] of store.entries(ASIDE)) {
		(isOwnWork([key.slice(ASIDE.length), value]) ? own : before).push(key);
	}
	const kept = new Set(own.slice(-limits.ownAside));
	before.push(...own.filter((key) => !kept.has(key)));
	const copied = entries.filter((entry) => isOwnWork(entry) || !kept.has(ASIDE + entry[0]));
	await store.write([
		...before.map((key) => ({ type: 'del', key }) as const),
		...copied.map(([key, value]) => ({ type: 'put', key: ASIDE + key, value }) as const),
		...entries.map(([key]) => ({ type: 'del', key }) as const),
	]);
}

function isOwnWork([key, value]: Entry): boolean {
	return OWN_WORK.some((prefix) => key.startsWith(prefix)) && statementOf(value)?.raw === null;
}

/** Of a statement that another member signed: by its hash peers are told not to bring it again. */
function hashOf([, value]: Entry): readonly string[] {
	const raw = statementOf(value)?.raw ?? null;
	return raw === null ? [] : [statementHash(raw)];
}

/** Undefined for what is none, or damaged. */
function statementOf(value: Uint8Array): Statement | undefined {
	try {
		return readStatement(value);
	} catch (error) {
		if (!isPosterError(error)) throw error;
		return undefined;
	}
}
