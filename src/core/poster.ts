/**
 * The core's state machine. It only dispatches: events change what is known, then every rule looks at the whole of it
 * again (level-triggered), so that nothing depends on having seen one particular event.
 */

import type { Envelope, Statement } from '../domain/envelope.ts';
import { PosterError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import {
	announceDryRun,
	announceDue,
	cancelDryRun,
	forgetAnnouncers,
	onAnnouncement,
	onChainView,
	onTombstone,
} from './announce.ts';
import type { CoreConfig, Event, EventOf, Recovered, Step } from './api.ts';
import { claimWork, onStopping, yieldLeases } from './claim.ts';
import { createEpochClock, learnInterval } from './epoch-clock.ts';
import { forgetExhausted, onGatherEnded, onGathered, onGatherLost, onHoldersFound, planGathers } from './gather.ts';
import { hedgeWork } from './hedge.ts';
import { onHoldings, onOwnHoldings, renewHoldings } from './holdings.ts';
import { beginIncarnation, heedOwnStatement } from './identity.ts';
import { noticeMissed, onSearched } from './inclusion.ts';
import { onConnected, onDisconnected, onProbed, onTick, probeSilent } from './liveness.ts';
import { checkFeasible, currentLoad } from './load.ts';
import { adoptRoster, createRosterSlice } from './members.ts';
import { checkMessages, heedPool, onMessageChecked, onMessageProof, onSubmission } from './messages.ts';
import { clearOldAlarms } from './outbox.ts';
import { onOwnProver } from './own-prover.ts';
import { assignSlots, onProved, onProveFailed, onProveProgress, onSlots, releaseHung } from './proving.ts';
import { askHolders, onHolderAnswered } from './questions.ts';
import { createRecordsSlice, heedEpoch, onRecord, sendRecord } from './records.ts';
import { dropOrphans, onSetAside, recover } from './recovery.ts';
import { offerResults, onResult, onVerified, retryOwnVerifications, verifyCandidates } from './results.ts';
import { heedSender } from './sender.ts';
import { objectToSkips, onOpened, onRefusal } from './skips.ts';
import { warnOfCrashes } from './slots.ts';
import { SortedMap } from './sorted-map.ts';
import type { State } from './state.ts';
import { openAhead } from './storage.ts';
import { driveSubmissions, onPrepared, onPrepareFailed, onPushed, onSigned, onSignFailed } from './submission.ts';
import { createSyncSlice, driveSync, onPullAsked, onPulled, onSyncAnswered, onSyncAsked, onSyncPeer } from './sync.ts';
import { learnDuration } from './timing.ts';
import { touch } from './wake.ts';
import { fetchManifests, forgetManifests, retireWorks, unsettled } from './works.ts';

export type { State } from './state.ts';
export { storedResults, view } from './view.ts';

/** A node's state at start, from what its store held. Throws `store-damaged` when an entry cannot be read. */
export function createState(config: CoreConfig, recovered: Recovered): State {
	if (config.roster.network !== config.network) {
		throw new PosterError(
			'roster-network',
			`the roster is for ${config.roster.network}, the chain is ${config.network}`,
			{
				advice: 'Point the node at a full node of the roster’s network.',
			},
		);
	}
	const state: State = {
		config,
		now: 0,
		out: { persist: [], after: [] },
		dirty: true,
		wakeAt: Number.MIN_SAFE_INTEGER,
		slowWakeAt: Number.MIN_SAFE_INTEGER,
		talkAt: Number.MIN_SAFE_INTEGER,
		told: 0,
		decidedAt: Number.MIN_SAFE_INTEGER,
		slowAt: Number.MIN_SAFE_INTEGER,
		orphans: [],
		identity: {
			incarnation: config.firstIncarnation,
			sequence: 0,
			reserved: 0,
			cloned: false,
			stopping: false,
			started: false,
		},
		roster: createRosterSlice(config.roster, config.rosterHash),
		clock: createEpochClock(config.epochMs, config.epochMsGuess),
		peers: new SortedMap(),
		liveness: { lastTickAt: null, health: 0, healthAt: 0, suspicion: false, resets: new SortedMap(), sampledAt: 0 },
		records: createRecordsSlice(),
		works: new SortedMap(),
		announce: { pending: new SortedMap(), statements: new SortedMap() },
		jobs: new SortedMap(),
		slots: { names: config.slots.slice(0, limits.slots), out: [], busy: new SortedMap() },
		durations: new SortedMap(),
		manifests: new SortedMap(),
		holdings: { statements: new SortedMap(), own: new SortedMap(), datedFrom: null },
		storage: { ordered: [], opened: new SortedMap() },
		senders: new SortedMap(),
		messages: new SortedMap(),
		chain: { views: new SortedMap(), reachable: false },
		sync: createSyncSlice(0),
		alarms: new SortedMap(),
		ignored: new SortedMap(),
		counters: new SortedMap(),
	};
	recover(state, recovered);
	return state;
}

/** Takes in one event at monotonic time `now` (ms, integer, never going back). */
export function step(state: State, event: Event, now: number): Step {
	state.now = now;
	state.out = { persist: [], after: [] };
	if (!state.identity.started) {
		state.sync.startedAt = now;
		beginIncarnation(state);
		for (const work of state.works.values()) warnOfCrashes(state, work);
	}
	apply(state, event);
	if (state.dirty && !isQuestion(event)) touch(state);
	if (event.type === 'tick') {
		if (state.dirty || now >= state.wakeAt || now >= state.talkAt) look(state);
	} else if (state.dirty && now - state.decidedAt >= roundPauseMs(state)) look(state);
	return state.out;
}

/** Nothing will be decided with a tick at this time. */
export function isIdle(state: State, now: number): boolean {
	return !state.dirty && now < state.wakeAt && now < state.talkAt && !isSlowDue(state, now);
}

/** A round of decisions looks at every item: with thousands of them a burst of events is decided on together. */
function roundPauseMs(state: State): number {
	return Math.floor(state.works.size / ITEMS_PER_MS);
}

/** Items for which rounds of decisions are a millisecond further apart: 3,000 are looked at five times a second. */
const ITEMS_PER_MS = 16;
/** Rules that wait for epochs are looked at this often. */
const SLOW_RULES_MS = 1_000;

/** Questions of others and the time for the next one leave the rules nothing to decide. */
function look(state: State): void {
	if (state.now >= state.wakeAt) decideAll(state);
	state.dirty = false;
	state.decidedAt = state.now;
	const { wakeAt } = state;
	state.wakeAt = Number.MAX_SAFE_INTEGER;
	// No rule waits for these two.
	driveSync(state);
	sendRecord(state);
	state.talkAt = state.wakeAt;
	state.wakeAt = wakeAt;
	if (state.dirty) touch(state);
	state.dirty = false;
}

function decideAll(state: State): void {
	const { persist, after } = state.out;
	const said = persist.length + after.length;
	state.dirty = false;
	state.wakeAt = Number.MAX_SAFE_INTEGER;
	probeSilent(state);
	announceDue(state);
	fetchManifests(state);
	checkMessages(state);
	const works = unsettled(state);
	verifyCandidates(state, works);
	retryOwnVerifications(state);
	offerResults(state, works);
	openAhead(state, works);
	objectToSkips(state);
	askHolders(state, works);
	const load = currentLoad(state, works);
	yieldLeases(state);
	releaseHung(state);
	const unstarted = claimWork(state, works, load);
	hedgeWork(state, works, load, unstarted);
	planGathers(state, load);
	assignSlots(state);
	driveSubmissions(state);
	// What a rule has changed for another one is looked at with the next tick: a loop of rules has no end.
	if (state.dirty || persist.length + after.length > said) touch(state);
}

function apply(state: State, event: Event): void {
	if (event.type === 'tick') {
		onTick(state);
		everySecond(state);
	} else if (event.type === 'statement') {
		onStatement(state, event);
	} else {
		if (!isQuestion(event)) touch(state);
		takeIn(state, event);
	}
}

/** Questions change nothing here but what the peer shows to have newer, which is asked for at once. */
function isQuestion({ type }: Event): boolean {
	return type === 'sync-asked' || type === 'sync-answered' || type === 'pull-asked';
}

function takeIn(state: State, event: Exclude<Event, { readonly type: 'tick' | 'statement' }>): void {
	switch (event.type) {
		case 'connected':
			onConnected(state, event.peer);
			forgetExhausted(state, event.peer);
			onSyncPeer(state, event.peer);
			return;
		case 'disconnected':
			onDisconnected(state, event);
			return;
		case 'probed':
			onProbed(state, event);
			return;
		case 'roster':
			if (adoptRoster(state, event.roster, event.hash)) forgetAnnouncers(state);
			return;
		case 'stopping':
			onStopping(state);
			return;
		case 'set-aside':
			onSetAside(state, event);
			return;
		case 'slots':
			onSlots(state, event);
			return;
		case 'measured':
			learnDuration(state, event.proofType, event.ms);
			state.records.changed = true;
			return;
		case 'head':
		case 'chain-lost':
		case 'chain-view':
			onChain(state, event);
			return;
		case 'dry-run':
			announceDryRun(state, event.challenge, event.due);
			return;
		case 'dry-run-cancel':
			cancelDryRun(state, event.key);
			return;
		case 'manifest-held':
		case 'manifest-failed':
			onManifest(state, event);
			return;
		case 'holdings':
			onOwnHoldings(state, event.miner, event.sectors);
			return;
		case 'opened':
			onOpened(state, event);
			return;
		case 'holders-found':
			onHoldersFound(state, event);
			return;
		case 'gathered':
			onGathered(state, event);
			return;
		case 'gather-ended':
			onGatherEnded(state, event);
			return;
		case 'gather-lost':
			onGatherLost(state, event);
			return;
		case 'holder-answered':
			onHolderAnswered(state, event);
			return;
		case 'prove-progress':
			onProveProgress(state, event);
			return;
		case 'proved':
			onProved(state, event);
			return;
		case 'prove-failed':
			onProveFailed(state, event);
			return;
		case 'own-prover':
			onOwnProver(state, event);
			return;
		case 'verified':
			onVerified(state, event);
			onMessageProof(state, event);
			return;
		case 'message-checked':
			onMessageChecked(state, event);
			return;
		case 'prepared':
			onPrepared(state, event);
			return;
		case 'prepare-failed':
			onPrepareFailed(state, event);
			return;
		case 'signed':
			onSigned(state, event);
			return;
		case 'sign-failed':
			onSignFailed(state, event);
			return;
		case 'pushed':
			onPushed(state, event);
			return;
		case 'searched':
			onSearched(state, event);
			return;
		case 'sync-asked':
			onSyncAsked(state, event);
			return;
		case 'sync-answered':
			onSyncAnswered(state, event);
			return;
		case 'pull-asked':
			onPullAsked(state, event);
			return;
		case 'pulled':
			onPulled(state, event);
			return;
	}
}

/** Statements of the own identity are judged too: one from the future means that the key is in use elsewhere. */
function onStatement(state: State, event: EventOf<'statement'>): void {
	const { envelope, raw, ageMs } = event;
	if (envelope.from === state.config.self) heedOwnStatement(state, envelope);
	else heedEpoch(state, event);
	if (envelope.kind !== 'rec' || envelope.from === state.config.self) touch(state);
	takeStatement(state, { envelope, raw }, ageMs);
}

export function takeStatement(state: State, { envelope, raw }: Statement<Envelope>, ageMs: number): void {
	switch (envelope.kind) {
		case 'rec':
			if (envelope.from !== state.config.self) onRecord(state, { envelope, raw }, ageMs);
			return;
		case 'ann':
			onAnnouncement(state, { envelope, raw });
			return;
		case 'tomb':
			onTombstone(state, { envelope, raw });
			return;
		case 'res':
			onResult(state, { envelope, raw });
			return;
		case 'ref':
			onRefusal(state, { envelope, raw });
			return;
		case 'hold':
			onHoldings(state, { envelope, raw });
			return;
		case 'sub':
			onSubmission(state, { envelope, raw });
			return;
	}
}

function onChain(state: State, event: EventOf<'head'> | EventOf<'chain-lost'> | EventOf<'chain-view'>): void {
	state.dirty = true;
	if (event.type === 'chain-lost') {
		state.chain.reachable = false;
	} else if (event.type === 'head') {
		const mark = { epoch: event.epoch, at: state.now };
		if (state.clock.own !== null) learnInterval(state.clock, state.clock.own, mark);
		if (state.clock.own?.epoch !== event.epoch) state.clock.own = mark;
	} else {
		state.chain.reachable = true;
		state.chain.views.set(event.view.miner, event.view);
		onChainView(state, event.view);
		heedPool(state, event.view);
		heedSender(state, event.view);
		noticeMissed(state, event.view);
	}
}

function onManifest(state: State, event: EventOf<'manifest-held'> | EventOf<'manifest-failed'>): void {
	const retryAt = state.now + limits.namelessManifestMs;
	const slice = state.manifests.obtain(event.root, () => ({ sectors: null, fetching: false, retryAt, tries: 0 }));
	slice.fetching = false;
	slice.tries++;
	if (event.type === 'manifest-held') slice.sectors = event.sectors;
	else slice.retryAt = state.now + limits.manifestRetryMs * 2 ** Math.min(slice.tries - 1, limits.manifestDoublings);
	state.dirty = true;
}

/** Rules over all items that nobody waits for: once a second, if anything was decided since or their time has come. */
function everySecond(state: State): void {
	const isDue = isSlowDue(state, state.now);
	if (state.now - state.slowAt >= SLOW_RULES_MS) state.slowAt = state.now;
	if (!isDue) return;
	const { wakeAt } = state;
	state.wakeAt = Number.MAX_SAFE_INTEGER;
	retireWorks(state);
	forgetManifests(state);
	dropOrphans(state);
	clearOldAlarms(state);
	renewHoldings(state);
	checkFeasible(state, currentLoad(state));
	state.slowWakeAt = state.wakeAt;
	state.wakeAt = wakeAt;
	if (state.out.persist.length + state.out.after.length > 0) touch(state);
}

function isSlowDue({ slowAt, slowWakeAt, decidedAt }: State, now: number): boolean {
	return now - slowAt >= SLOW_RULES_MS && (decidedAt >= slowAt || now >= slowWakeAt);
}
