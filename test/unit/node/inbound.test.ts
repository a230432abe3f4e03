import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ed25519Identity } from '../../../src/adapters/identity/ed25519.ts';
import { sealEnvelope } from '../../../src/codec/envelope.ts';
import type { EventOf } from '../../../src/core/api.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import type { Envelope } from '../../../src/domain/envelope.ts';
import { actorId, epoch, monoMs } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import type { Roster } from '../../../src/domain/roster.ts';
import { Inbound, statementHash } from '../../../src/node/inbound.ts';
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

function setup(roster = rosterOf(author), quarantined = new Set<string>()) {
	const events: EventOf<'statement'>[] = [];
	const metrics = memoryMetrics();
	// Time stands still: a quota is used up, not refilled.
	const clock = { ...systemClock, now: () => monoMs(0) };
	const inbound = new Inbound(
		{ identity: author, clock, metrics },
		{ network: NETWORK, quarantined: (hash) => quarantined.has(hash), enqueue: (event) => events.push(event) },
		roster,
	);
	const take = (raw: Uint8Array) => inbound.take(author.id, raw, 0);
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

test('an author over its quota is ignored, others are not', () => {
	const { take, metrics } = setup(rosterOf(author, stranger));
	let accepted = 0;
	const raw = statement(author);
	for (let i = 0; i < limits.authorStatementsBurst + 5; i++) if (take(raw) === 'accept') accepted++;
	assert.equal(accepted, limits.authorStatementsBurst);
	assert.equal(metrics.total('poster_statements_refused_total'), 5);
	assert.equal(take(statement(stranger)), 'accept');
});

test('a quarantined statement is not looked at', () => {
	const raw = statement(author);
	const { take, events } = setup(rosterOf(author), new Set([statementHash(raw)]));
	assert.equal(take(raw), 'ignore');
	assert.equal(events.length, 0);
});
