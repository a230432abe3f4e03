/** Messages that members forge, and what of the pool holds a nonce. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { submissionOf } from '../../../src/codec/submission.ts';
import type { Effect, Event } from '../../../src/core/api.ts';
import type { Message } from '../../../src/core/message.ts';
import { bury, enterMessage } from '../../../src/core/messages.ts';
import { nextNonce, priceOf } from '../../../src/core/nonces.ts';
import { type State, step } from '../../../src/core/poster.ts';
import type { Work } from '../../../src/core/state.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import type { Envelope } from '../../../src/domain/envelope.ts';
import { attoFil, epoch } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import type { SignedMessage } from '../../../src/domain/message.ts';
import type { Submission } from '../../../src/domain/submission.ts';
import type { World } from '../../sim/world.ts';
import { Story } from '../../stories/story.ts';

/** builtin-actors: what a partition that is proven already is refused with. */
const USR_ILLEGAL_ARGUMENT = 16;

/** A submitter with one message of its own on the chain's doorstep, and a second submitter. */
function bench() {
	const story = new Story();
	story.tell(`
		mesh alpha=chain+submitter beta=chain+submitter store=storage/all p1=prover
		chain full
		await push reason=signed by=alpha
		run 4`);
	const { world } = story;
	const { state } = world.named('alpha');
	assert.ok(state !== null);
	const [own] = state.messages.values();
	const work = state.works.get(own?.submission.work ?? ('' as never));
	assert.ok(own !== undefined && work !== undefined);
	let sequence = 2 ** 40;
	/** Gives it to the core; every question for its signature is answered at once. */
	const hear = (submission: Submission, verdict: 'good' | 'bad' | null): number => {
		const envelope: Envelope = {
			network: state.config.network,
			from: world.named('beta').id,
			incarnation: 1,
			sequence: sequence++,
			epoch: work.item.open,
			kind: 'sub',
			body: submission,
		};
		const raw = new Uint8Array();
		const events: Event[] = [{ type: 'statement', envelope, raw, relay: envelope.from, ageMs: 0 }];
		let checks = 0;
		for (const event of events) {
			for (const effect of step(state, event, state.now).after) {
				if (effect.type !== 'check-message') continue;
				checks++;
				if (verdict !== null) events.push({ type: 'message-checked', cid: effect.cid, verdict });
			}
		}
		return checks;
	};
	return { state, world, own, work, hear };
}

/** The same message under another signature. */
function forged({ submission }: { submission: Submission }, i: number, premium = 1n, type: 1 | 2 = 1): Submission {
	const signature = new Uint8Array(type === 1 ? 65 : 96);
	new DataView(signature.buffer).setUint32(0, i);
	const message = { ...submission.signed.message, gasPremium: attoFil(premium) };
	const signed: SignedMessage = { message, signatureType: type, signature };
	return submissionOf(submission.work, signed);
}

test('forged messages take no room, and a repeat costs no second look', () => {
	const { state, own, hear } = bench();
	const before = state.messages.size;
	for (let i = 0; i < limits.forgedSubmissions * 2; i++) assert.equal(hear(forged(own, i), 'bad'), 1);
	assert.equal(state.messages.size, before);
	assert.equal(state.senders.get(own.sender)?.forged.length, limits.forgedSubmissions);
	assert.equal(hear(forged(own, limits.forgedSubmissions * 2 - 1), 'bad'), 0);
});

test('messages of one author that nobody can check leave room for the others and for the own ones', () => {
	const { state, own, work, hear } = bench();
	const before = state.messages.size;
	fill(state, own, work, limits.challengeSubmissions, hear);
	assert.equal(state.messages.size, before + limits.challengeSubmissions);
	hear(forged(own, 2 ** 31), null);
	assert.equal(state.messages.size, before + limits.challengeSubmissions);
	const mine = forged(own, 2 ** 31 + 1);
	assert.equal(enterMessage(state, work, mine).submission.cid, mine.cid);
});

/** As if the author had said so many: without stepping through each. */
function fill(
	state: State,
	own: { submission: Submission },
	work: Work,
	count: number,
	hear: (submission: Submission, verdict: null) => number,
): void {
	hear(forged(own, 0), null);
	const [first] = [...state.messages.values()].filter(({ signatureGood }) => !signatureGood);
	for (let i = 1; i < count; i++) {
		enterMessage(state, work, forged(own, i)).statement = first?.statement ?? null;
	}
}

test('the CID of a BLS message does not cover its signature: a forged copy does not take the place of the own one', () => {
	const { state, own, work, hear } = bench();
	const copy = forged(own, 1, 7n, 2);
	const real = forged(own, 2, 7n, 2);
	assert.equal(copy.cid, real.cid);
	hear(copy, null);
	const message = enterMessage(state, work, real);
	message.signatureGood = true;
	assert.deepEqual(state.messages.get(real.cid)?.submission.bytes, real.bytes);
	// The verdict on the forged bytes comes late.
	step(state, { type: 'message-checked', cid: copy.cid, verdict: 'bad' }, state.now);
	assert.equal(state.messages.get(real.cid)?.dead, null);
});

test('a forged premium raises no price', () => {
	const { state, own, hear } = bench();
	hear(forged(own, 1, 10n ** 30n), null);
	const wanted = { limit: 1, feeCap: attoFil(1000n), premium: attoFil(100n) };
	assert.ok(priceOf(state, own.sender, own.nonce, wanted, attoFil(0n)).premium < 1000n);
});

test('a dead message in the pool holds no nonce; others there do', () => {
	const { state, world, own } = bench();
	const view = world.chain.view();
	assert.deepEqual(
		view.sender.pool.map(({ cid }) => cid),
		[own.submission.cid],
	);
	assert.equal(nextNonce(state, view), own.nonce + 1);
	bury(state, own, 'closed');
	assert.equal(nextNonce(state, view), own.nonce);
	state.messages.delete(own.submission.cid);
	assert.equal(nextNonce(state, view), own.nonce + 1, 'an unknown message may land');
});

test('a late message in the pool that pays too little is replaced for those that wait behind it', () => {
	const { state, world, own, work } = bench();
	bury(state, own, 'closed');
	const next = enterMessage(state, work, withNonce(own.submission, own.nonce + 1));
	Object.assign(next, { signatureGood: true, proofGood: true, pooled: true, everPooled: true });
	world.chain.baseFee = 2_000n;
	const signed: { nonce: number; premium: bigint; feeCap: bigint }[] = [];
	for (let i = 0; i < 12; i++) {
		const view = { ...world.chain.view(), epoch: (world.chain.epoch + i) as typeof work.item.open };
		step(state, { type: 'head', epoch: view.epoch }, state.now + 2_000);
		for (const effect of step(state, { type: 'chain-view', view }, state.now).after) {
			if (effect.type === 'sign') signed.push({ nonce: effect.nonce, ...effect.gas });
		}
	}
	const [fill] = signed;
	assert.equal(fill?.nonce, own.nonce);
	assert.ok(fill.premium * 4n >= own.submission.signed.message.gasPremium * 5n);
	assert.ok(fill.feeCap >= 4_000n);
});

function withNonce({ work, signed }: Submission, nonce: number): Submission {
	return submissionOf(work, { ...signed, message: { ...signed.message, nonce } });
}

/** What the full node answers about a message that is in a tipset. */
function landed(state: State, { cid }: Submission, height: number, exitCode: number): readonly string[] {
	const lookup = { message: cid, exitCode, gasUsed: 1, tipSet: [], height: epoch(height) };
	const at = epoch(height + 1);
	const { after } = step(state, { type: 'searched', cid, epoch: at, lookup, posted: exitCode === 0 }, state.now);
	return after.flatMap((effect) => (effect.type === 'alarm' ? [effect.alarm.code] : []));
}

test('a second copy that the chain refuses was paid for twice: an alarm, whichever is found first', () => {
	for (const refusedFirst of [false, true]) {
		const { state, world, own, work } = bench();
		show(state, world, own, true);
		const copy = enterMessage(state, work, withNonce(own.submission, own.nonce + 1));
		Object.assign(copy, { signatureGood: true, proofGood: true });
		const found = [[own, 0] as const, [copy, USR_ILLEGAL_ARGUMENT] as const];
		const alarms = (refusedFirst ? found.reverse() : found).map(([message, exit]) =>
			landed(state, message.submission, work.item.open + 1 + message.nonce, exit),
		);
		assert.deepEqual(alarms, [[], ['double-submission']]);
	}
});

test('a message that lands after another one failed is no double', () => {
	const { state, world, own, work } = bench();
	show(state, world, own, false);
	const next = enterMessage(state, work, withNonce(own.submission, own.nonce + 1));
	Object.assign(next, { signatureGood: true, proofGood: true });
	assert.deepEqual(landed(state, own.submission, work.item.open + 1, USR_ILLEGAL_ARGUMENT), []);
	assert.deepEqual(landed(state, next.submission, work.item.open + 2, 0), []);
});

test('signatures are checked a few at a time, of one author fewer; the others get their turn', () => {
	const { state, own, hear } = bench();
	let asked = 0;
	for (let i = 0; i < 20; i++) asked += hear(forged(own, i), null);
	assert.equal(asked, limits.messageChecksPerAuthor);
	for (let judged = 0; judged < 20; judged++) {
		const [cid] = [...state.messages].find(([, { checkingSignature }]) => checkingSignature) ?? [];
		assert.ok(cid !== undefined, 'the next one is asked about');
		const effects = step(state, { type: 'message-checked', cid, verdict: 'bad' }, state.now).after;
		asked += effects.filter(({ type }) => type === 'check-message').length;
	}
	assert.equal(asked, 20);
	let all = 0;
	for (let i = 0; i < limits.messageChecks; i++) {
		for (const author of ['x', 'y', 'z', 'u', 'v', 'w']) {
			const submission = forged(own, 1_000 + 100 * i + author.charCodeAt(0));
			const message = enterMessage(state, state.works.get(submission.work) as Work, submission);
			message.statement = { envelope: { from: author } } as never;
		}
	}
	all += step(state, { type: 'tick' }, state.now).after.filter(({ type }) => type === 'check-message').length;
	assert.equal(all, limits.messageChecks);
});

/** The chain as it stands, with the partition of the message proven or not, and its nonce used unless another is named. */
function show(
	state: State,
	world: World,
	own: Message,
	posted: boolean,
	nonce: number = own.nonce + 2,
): readonly Effect[] {
	const shown = world.chain.view();
	const proven = posted ? Bitfield.of([own.params.partition]) : Bitfield.empty;
	const challenges = shown.challenges.map((entry) => ({ ...entry, posted: proven }));
	const view = { ...shown, challenges, sender: { ...shown.sender, nonce } };
	const now = state.now + 1_000;
	const head = step(state, { type: 'head', epoch: view.epoch }, now).after;
	return [...head, ...step(state, { type: 'chain-view', view }, now).after];
}

test('a confirmed message that its open deadline does not show any more is looked for again', () => {
	const { state, world, own, work } = bench();
	world.chain.epoch = work.item.open;
	show(state, world, own, true);
	Object.assign(own, { done: true, includedAt: work.item.open - 6, searching: false });
	const searched = (posted: boolean): readonly string[] => {
		world.chain.epoch++;
		return show(state, world, own, posted).flatMap((effect) => (effect.type === 'search' ? [effect.cid] : []));
	};
	assert.deepEqual(searched(true), []);
	assert.equal(own.done, true);
	assert.deepEqual(searched(false), [own.submission.cid]);
	assert.equal(own.done, false);
});

test('a reorg brings a displaced message back only where nothing was signed in its stead', () => {
	for (const answered of [false, true]) {
		const { state, world, own, work } = bench();
		world.chain.epoch = work.item.open;
		show(state, world, own, false);
		Object.assign(own, { dead: 'nonce-taken', searching: false });
		if (answered) {
			const next = enterMessage(state, work, withNonce(own.submission, own.nonce + 1));
			Object.assign(next, { signatureGood: true, proofGood: true, pooled: true });
		}
		world.chain.epoch++;
		show(state, world, own, false, own.nonce);
		assert.equal(own.dead, answered ? 'nonce-taken' : null);
	}
});
