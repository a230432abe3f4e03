import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ed25519Identity } from '../../../src/adapters/identity/ed25519.ts';
import { sealEnvelope } from '../../../src/codec/envelope.ts';
import type { EventOf } from '../../../src/core/api.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import type { Envelope } from '../../../src/domain/envelope.ts';
import { actorId, epoch, monoMs, workIdOf } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import type { Roster } from '../../../src/domain/roster.ts';
import { Inbound, statementHash } from '../../../src/node/inbound.ts';
import type { Identity } from '../../../src/ports/identity.ts';
import { memoryMetrics } from '../../support/memory-metrics.ts';
import { systemClock } from '../../support/system-clock.ts';

const author = Ed25519Identity.generate();
const stranger = Ed25519Identity.generate();
const NETWORK = 'testing';

function rosterOf(...members: readonly Ed25519Identity[]): Roster {
	const peers = members.map(({ id }, index) => ({
		id,
		name: `n${index}`,
		site: 'main',
		weight: 1,
		slots: 1,
		roles: [],
		miners: [],
	}));
	return { network: NETWORK, version: 1, miners: [], peers };
}

function statement(by: Ed25519Identity, change: Partial<Envelope> = {}): Uint8Array {
	const envelope = {
		network: NETWORK,
		from: by.id,
		incarnation: 1,
		sequence: 1,
		epoch: epoch(1),
		kind: 'hold',
		body: { miner: actorId(1000), sectors: Bitfield.of([1, 2]) },
		...change,
	} as Envelope;
	return sealEnvelope(envelope, (bytes) => by.sign(bytes));
}

function setup(roster = rosterOf(author), quarantined = new Set<string>(), identity: Identity = author) {
	const events: EventOf<'statement'>[] = [];
	const metrics = memoryMetrics();
	// Time stands still: a quota is used up, not refilled.
	const clock = { ...systemClock, now: () => monoMs(0) };
	const inbound = new Inbound(
		{ identity, clock, metrics },
		{ network: NETWORK, quarantined: (hash) => quarantined.has(hash), enqueue: (event) => events.push(event) },
		roster,
	);
	const take = (raw: Uint8Array, relay = author.id) => inbound.take(relay, raw);
	return { inbound, take, events, metrics };
}

test('a signed statement of a member passes', () => {
	const { take, events } = setup();
	assert.equal(take(statement(author)), 'accept');
	assert.equal(events[0]?.envelope.from, author.id);
});

test('garbage is rejected and costs the relay', () => {
	const { take, events } = setup();
	const good = statement(author);
	for (const bytes of [
		new Uint8Array(0),
		Uint8Array.of(0xff),
		good.subarray(0, good.length - 1),
		new Uint8Array(70_000),
	]) {
		assert.equal(take(bytes), 'reject', `${bytes.length} bytes`);
	}
	assert.equal(events.length, 0);
});

test('a changed byte anywhere never passes', () => {
	const { take, events } = setup();
	const good = statement(author);
	for (let at = 0; at < good.length; at++) {
		const bad = Uint8Array.from(good);
		bad[at] = (bad[at] ?? 0) ^ 1;
		assert.notEqual(take(bad), 'accept', `byte ${at}`);
	}
	assert.equal(events.length, 0);
});

test('one member cannot speak for another', () => {
	const { take } = setup(rosterOf(author, stranger));
	const forged = sealEnvelope(
		{
			network: NETWORK,
			from: author.id,
			incarnation: 1,
			sequence: 1,
			epoch: epoch(1),
			kind: 'hold',
			body: { miner: actorId(1000), sectors: Bitfield.of([1]) },
		},
		(bytes) => stranger.sign(bytes),
	);
	assert.equal(take(forged), 'reject');
});

test('a statement of a stranger is ignored, and heard once the roster names it', () => {
	const { inbound, take } = setup();
	assert.equal(take(statement(stranger)), 'ignore');
	inbound.setRoster(rosterOf(author, stranger));
	assert.equal(take(statement(stranger)), 'accept');
	inbound.setRoster(rosterOf(author));
	assert.equal(take(statement(stranger, { sequence: 2 })), 'ignore');
});

test('a statement of another network is rejected', () => {
	const { take } = setup();
	assert.equal(take(statement(author, { network: 'mainnet' })), 'reject');
});

const { burst } = limits.authorStatements;
/** Some thousand real signatures would take seconds. */
const believing = { id: author.id, sign: () => new Uint8Array(64), verify: () => true };
const none = new Uint8Array(0);
const doubting = { ...believing, verify: () => false };
const quota = () => setup(rosterOf(author, stranger), undefined, believing);

test('an author that says more than its quota itself floods, others are heard', () => {
	const { take, metrics } = quota();
	const raw = statement(author);
	for (let i = 0; i < burst; i++) assert.equal(take(raw), 'accept');
	assert.equal(take(raw), 'flood');
	assert.equal(metrics.total('poster_statements_refused_total', { reason: 'quota' }), 1);
	assert.equal(take(statement(stranger)), 'accept');
});

test("whoever replays an author's statements makes nobody else a flooder, and leaves the author its own quota", () => {
	const { take } = quota();
	const raw = statement(author);
	const relays = limits.relayStatements.burst;
	for (let i = 0; i < relays; i++) assert.equal(take(raw, stranger.id), i < burst ? 'accept' : 'ignore');
	assert.equal(take(raw, stranger.id), 'flood');
	assert.equal(take(raw), 'accept');
	assert.equal(take(statement(stranger)), 'accept', 'what it says itself is counted apart');
});

test('an honest relay never hands over more than its neighbours take', () => {
	const { relayedMessages, relayStatements, pingIntervalMs, pingTimeoutMs } = limits;
	const stoodStill = (pingIntervalMs + pingTimeoutMs) / 1000;
	assert.ok(relayStatements.perSecond >= relayedMessages.perSecond);
	assert.ok(relayStatements.burst >= relayedMessages.burst + relayedMessages.perSecond * stoodStill);
});

test('refusals that a result encloses are not counted as handed over', () => {
	const { take, metrics } = quota();
	const refusal = statement(author, {
		kind: 'ref',
		body: { work: workIdOf('ab'.repeat(32)), sectors: Bitfield.of([1]), first: epoch(1) },
	} as never);
	const proof = new Uint8Array(192);
	const body = { work: workIdOf('ab'.repeat(32)), proof, skipped: Bitfield.of([1]), refusals: [refusal], proveMs: 1 };
	const raw = statement(author, { kind: 'res', body } as never);
	const half = burst / 2;
	for (let i = 0; i < half; i++) assert.equal(take(raw, stranger.id), 'accept');
	// As many enclosed ones used up the author's quota; the relay has handed over half of them.
	assert.equal(metrics.total('poster_statements_refused_total', { reason: 'relay-quota' }), 0);
	for (let i = half; i < limits.relayStatements.burst; i++) assert.equal(take(raw, stranger.id), 'ignore');
	assert.equal(take(raw, stranger.id), 'flood');
});

test('forged statements use up nothing of the author whose name they bear', () => {
	let identity: Identity = doubting;
	const { take } = setup(rosterOf(author), undefined, {
		...believing,
		verify: () => identity.verify(author.id, none, none),
	});
	const raw = statement(author);
	for (let i = 0; i <= burst; i++) assert.equal(take(raw), 'reject');
	identity = believing;
	assert.equal(take(raw), 'accept');
});

test('what this node asked for by sync has no quota', () => {
	const { inbound } = quota();
	const raw = statement(author);
	for (let i = 0; i <= burst; i++) assert.equal(inbound.takePulled(author.id, raw, 5), 'accept');
});

test('a quarantined statement is not looked at', () => {
	const raw = statement(author);
	const { take, events } = setup(rosterOf(author), new Set([statementHash(raw)]));
	assert.equal(take(raw), 'ignore');
	assert.equal(events.length, 0);
});
