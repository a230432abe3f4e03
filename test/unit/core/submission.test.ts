/** When a submitter signs, at which nonce, and which messages of others it lets count. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blsAddress, minerAddress } from '../../../src/codec/address.ts';
import { encodeMinerCall } from '../../../src/codec/miner-params.ts';
import { submissionOf } from '../../../src/codec/submission.ts';
import { resultHash, shortHash, workItem } from '../../../src/codec/work-id.ts';
import type { Effect, EffectOf, EventOf, PoolMessage } from '../../../src/core/api.ts';
import { buildDigest } from '../../../src/core/digest.ts';
import type { Work } from '../../../src/core/state.ts';
import { retire } from '../../../src/core/works.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import {
	actorId,
	attoFil,
	type CidText,
	deadlineIndex,
	epoch,
	hex32,
	partitionIndex,
} from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import type { Message, PostParams } from '../../../src/domain/message.ts';
import type { Submission } from '../../../src/domain/submission.ts';
import { decided } from '../../support/claim-bench.ts';
import { CoreBench, DUE_CHALLENGE as challenge, idleRecord, MINER } from '../../support/core.ts';

const NOW = challenge.open + limits.submitDelayEpochs;
const sectors = Bitfield.of([1, 2, 3, 4]);
const dueOf = (partition: number) => ({
	partition: partitionIndex(partition),
	sectorCount: 4,
	sectorRoot: hex32('33'.repeat(32)),
});
const workOf = (partition: number) => workItem('corenet', challenge, dueOf(partition));
const of = <T extends Effect['type']>(effects: readonly Effect[], type: T): readonly EffectOf<T>[] =>
	effects.filter((effect): effect is EffectOf<T> => effect.type === type);

/** A submitter with verified results for two partitions of an open deadline; `other` may submit too. */
class SubmitBench extends CoreBench {
	constructor({ connected = true } = {}) {
		super({ self: ['chain', 'submitter'], other: ['chain', 'submitter'], p: ['prover'] });
		for (let i = 0; i < 24; i++) this.second();
		this.see(challenge.open);
		this.give({ type: 'manifest-held', root: dueOf(0).sectorRoot, sectors });
		if (connected) this.give({ type: 'connected', peer: this.id('other') });
	}

	get sender(): string {
		return this.state.roster.roster.miners[0]?.sender ?? '';
	}

	/** The own full node's head and state. */
	see(at: number, { nonce = 0, pool = [] as readonly PoolMessage[], posted = [] as number[] } = {}): readonly Effect[] {
		const due = [dueOf(0), dueOf(1)];
		const waiting = pool.map(({ cid, bytes, signed, call }) => ({ cid, bytes, signed, call }));
		const view = {
			miner: MINER,
			epoch: epoch(at),
			challenges: [{ challenge, due, posted: at < challenge.open ? null : Bitfield.of(posted) }],
			sender: { address: this.sender, nonce, pool: waiting },
			baseFee: attoFil(100n),
		};
		return [...this.give({ type: 'head', epoch: epoch(at) }), ...this.give({ type: 'chain-view', view })];
	}

	prove(partition: number): readonly Effect[] {
		const { id } = workOf(partition);
		const proof = new Uint8Array(192).fill(partition + 1);
		this.hear('p', { kind: 'res', body: { work: id, proof, skipped: Bitfield.empty, refusals: [], proveMs: 1 } }, NOW);
		const hash = resultHash(proof, Bitfield.empty);
		return this.give({ type: 'verified', work: id, hash, verdict: 'good' });
	}

	/** Answers a `prepare`, then the `sign` that follows. */
	sign({ work }: EffectOf<'prepare'>): { readonly submission: Submission; readonly effects: readonly Effect[] } {
		const gas = { limit: 1_000, feeCap: attoFil(1_000n), premium: attoFil(100n) };
		const at = { epoch: epoch(NOW), commitEpoch: epoch(NOW - 1), commitRandomness: hex32('00'.repeat(32)) };
		const chain = { randomness: work.randomness, posted: false, gas };
		const [sign] = of(this.give({ type: 'prepared', work: work.id, ...at, ...chain }), 'sign');
		assert.ok(sign !== undefined, 'it signs what was prepared');
		const submission = messageOf(this, sign.params, { nonce: sign.nonce });
		return { submission, effects: this.give({ type: 'signed', submission }) };
	}

	/** A record of the prover, with these submissions on its disk. */
	tell(submissions: readonly Submission[]): readonly Effect[] {
		const body = idleRecord({ submissions: submissions.map(({ bytes }) => shortHash(bytes)) });
		return this.hear('p', { kind: 'rec', body }, NOW);
	}
}

function messageOf(bench: SubmitBench, params: PostParams, change: Partial<Message> = {}): Submission {
	const call = encodeMinerCall({ kind: 'submit-post', params });
	const message: Message = {
		version: 0,
		to: minerAddress(MINER),
		from: bench.sender,
		nonce: 0,
		value: attoFil(0n),
		gasLimit: 1_000,
		gasFeeCap: attoFil(1_000n),
		gasPremium: attoFil(100n),
		...call,
		...change,
	};
	const signed = { message, signatureType: 1 as const, signature: new Uint8Array(65) };
	return submissionOf(workOf(params.partition).id, signed);
}

/** Signed for the first partition; the second one is proven and waits. */
function signedOnce(options?: ConstructorParameters<typeof SubmitBench>[0]) {
	const bench = new SubmitBench(options);
	bench.prove(0);
	bench.prove(1);
	const [prepare] = of(bench.see(NOW), 'prepare');
	assert.ok(prepare !== undefined);
	const { submission, effects } = bench.sign(prepare);
	return { bench, submission, effects: [...effects, ...bench.give({ type: 'tick' })] };
}

test('nothing is signed before the delay after open, and nothing for a partition that is posted or unproven', () => {
	const bench = new SubmitBench();
	bench.prove(0);
	assert.deepEqual(of(bench.see(NOW - 1), 'prepare'), []);
	assert.deepEqual(of(bench.see(NOW, { posted: [0] }), 'prepare'), []);
	const other = new SubmitBench();
	assert.deepEqual(of(other.see(NOW), 'prepare'), []);
});

test('a message is on disk before it is told and pushed, with its bytes', () => {
	const { bench, submission, effects } = signedOnce();
	assert.ok([...bench.disk.keys()].some((key) => key.startsWith('s/') && key.endsWith(submission.cid)));
	const order = effects.map((effect) => (effect.type === 'publish' ? effect.envelope.kind : effect.type));
	assert.ok(order.indexOf('sub') < order.indexOf('push'), order.join());
});

test('the next nonce waits until another node stored the last message, a pool has it, or an epoch passed', () => {
	const waits = signedOnce();
	assert.deepEqual(of(waits.effects, 'prepare'), []);
	assert.deepEqual(
		of(waits.bench.give({ type: 'pushed', cid: waits.submission.cid, code: 'no-answer' }), 'prepare'),
		[],
	);
	assert.deepEqual(of([...waits.bench.tell([]), ...waits.bench.give({ type: 'tick' })], 'prepare'), []);

	const stored = signedOnce();
	const told = [...stored.bench.tell([stored.submission]), ...stored.bench.give({ type: 'tick' })];
	const [prepare] = of(told, 'prepare');
	assert.ok(prepare?.work.id === workOf(1).id);
	assert.equal(stored.bench.sign(prepare).submission.signed.message.nonce, 1);

	const pushed = signedOnce();
	assert.equal(of(pushed.bench.give({ type: 'pushed', cid: pushed.submission.cid, code: null }), 'prepare').length, 1);

	const seen = signedOnce();
	assert.equal(of(seen.bench.see(NOW, { pool: [seen.submission] }), 'prepare').length, 1);

	const old = signedOnce();
	assert.equal(of(old.bench.see(NOW + 1), 'prepare').length, 1);
});

test('near the close, or with nobody connected, the next nonce waits for nothing', () => {
	assert.equal(of(signedOnce({ connected: false }).effects, 'prepare').length, 1);
	const bench = new SubmitBench();
	bench.prove(0);
	bench.prove(1);
	const [prepare] = of(bench.see(challenge.close - limits.hurryEpochs), 'prepare');
	assert.ok(prepare !== undefined);
	const { effects } = bench.sign(prepare);
	assert.equal(of([...effects, ...bench.give({ type: 'tick' })], 'prepare').length, 1);
});

test('the message of another submitter is pushed again as it is, and nothing is signed beside it', () => {
	const bench = new SubmitBench();
	bench.prove(0);
	const params = paramsOf(0);
	const theirs = messageOf(bench, params);
	bench.hear('other', { kind: 'sub', body: theirs }, NOW);
	bench.give({ type: 'message-checked', cid: theirs.cid, verdict: 'good' });
	const effects = [NOW, NOW + 1, NOW + 2, NOW + 3].flatMap((at) => bench.see(at));
	assert.deepEqual(of(effects, 'prepare'), []);
	const [push] = of(effects, 'push');
	assert.deepEqual(push?.signed, theirs.signed);
});

function paramsOf(partition: number, change: Partial<PostParams> = {}): PostParams {
	return {
		deadline: challenge.deadline,
		partition: partitionIndex(partition),
		skipped: Bitfield.empty,
		proofType: challenge.proofType,
		proof: new Uint8Array(192).fill(partition + 1),
		commitEpoch: epoch(NOW - 1),
		commitRandomness: hex32('00'.repeat(32)),
		...change,
	};
}

test('a message that does not answer the item in every part is refused before anything of it is checked', () => {
	const lies: Readonly<Record<string, (bench: SubmitBench) => Submission>> = {
		sender: (bench) => messageOf(bench, paramsOf(0), { from: blsAddress(new Uint8Array(48)) }),
		receiver: (bench) => messageOf(bench, paramsOf(0), { to: minerAddress(actorId(1_001)) }),
		value: (bench) => messageOf(bench, paramsOf(0), { value: attoFil(1n) }),
		partition: (bench) => ({ ...messageOf(bench, paramsOf(1)), work: workOf(0).id }),
		deadline: (bench) => messageOf(bench, paramsOf(0, { deadline: deadlineIndex(4) })),
		'proof-type': (bench) => messageOf(bench, paramsOf(0, { proofType: 11 })),
		'proof-length': (bench) => messageOf(bench, paramsOf(0, { proof: new Uint8Array(191) })),
		'commit-epoch': (bench) => messageOf(bench, paramsOf(0, { commitEpoch: challenge.close })),
		skips: (bench) => messageOf(bench, paramsOf(0, { skipped: sectors })),
	};
	for (const [what, lie] of Object.entries(lies)) {
		const bench = new SubmitBench();
		const effects = bench.hear('other', { kind: 'sub', body: lie(bench) }, NOW);
		const reason = what === 'deadline' ? 'partition' : what;
		assert.equal(decided(effects, 'submission-refused')[0]?.reason, reason);
		assert.deepEqual(of(effects, 'check-message'), [], what);
		assert.equal(bench.state.messages.size, 0, what);
		// It silences nobody.
		bench.prove(0);
		assert.equal(of(bench.see(NOW), 'prepare').length, 1, what);
	}
});

test('a message counts only after its signature and its proof were found good here', () => {
	for (const [signature, proof] of [
		['bad', 'good'],
		['good', 'bad'],
	] as const) {
		const bench = new SubmitBench();
		const lie = messageOf(bench, paramsOf(0, { proof: new Uint8Array(192).fill(9) }));
		const heard = bench.hear('other', { kind: 'sub', body: lie }, NOW);
		assert.equal(of(heard, 'check-message').length, 1);
		const checked = bench.give({ type: 'message-checked', cid: lie.cid, verdict: signature });
		for (const { work, hash } of of(checked, 'verify')) {
			bench.give({ type: 'verified', work: work.id, hash, verdict: proof });
		}
		bench.prove(0);
		assert.equal(of(bench.see(NOW), 'prepare').length, 1, `signature ${signature}, proof ${proof}`);
		assert.ok(![...bench.disk.keys()].some((key) => key.endsWith(lie.cid)), 'it is not stored');
	}
});

test('what was prepared on another randomness is prepared again when the own view has moved on', () => {
	const bench = new SubmitBench();
	bench.prove(0);
	const [prepare] = of([...bench.see(NOW), ...bench.second()], 'prepare');
	assert.ok(prepare !== undefined);
	const gas = { limit: 1_000, feeCap: attoFil(1_000n), premium: attoFil(100n) };
	const at = { epoch: epoch(NOW), commitEpoch: epoch(NOW - 1), commitRandomness: hex32('00'.repeat(32)) };
	const chain = { randomness: hex32('77'.repeat(32)), posted: false, gas };
	const effects = bench.give({ type: 'prepared', work: prepare.work.id, ...at, ...chain });
	assert.deepEqual(of([...effects, ...bench.second(), ...bench.second()], 'prepare'), []);
	assert.equal(of([...bench.see(NOW + 1), ...bench.second()], 'prepare').length, 1);
});

test('a message that skips numbers which the partition does not have silences nobody', () => {
	const bench = new SubmitBench();
	const lie = messageOf(bench, paramsOf(0, { skipped: Bitfield.of([9]) }));
	bench.hear('other', { kind: 'sub', body: lie }, NOW);
	const checked = [...bench.give({ type: 'message-checked', cid: lie.cid, verdict: 'good' }), ...bench.second()];
	assert.deepEqual(of(checked, 'verify'), []);
	assert.equal(decided(checked, 'submission-refused')[0]?.reason, 'skips');
	bench.prove(0);
	assert.equal(of(bench.see(NOW), 'prepare').length, 1);
});

/** The message of the first partition was signed and never told; the node is back, and so is its full node. */
function heldOnce() {
	const { bench, submission } = signedOnce();
	bench.restart();
	bench.give({ type: 'connected', peer: bench.id('other') });
	bench.give({ type: 'manifest-held', root: dueOf(0).sectorRoot, sectors });
	return { bench, submission, effects: [...bench.see(NOW + 1)] };
}

/** SUB of the other submitter, found good in every part. */
function hearRival(bench: SubmitBench, change: Partial<Message>): readonly Effect[] {
	const rival = messageOf(bench, paramsOf(0), { gasPremium: attoFil(1n), ...change });
	const effects = [...bench.hear('other', { kind: 'sub', body: rival }, NOW)];
	effects.push(...bench.give({ type: 'message-checked', cid: rival.cid, verdict: 'good' }));
	for (const { work, hash } of of(effects, 'verify')) {
		effects.push(...bench.give({ type: 'verified', work: work.id, hash, verdict: 'good' }));
	}
	return effects;
}

const secondsOf = (bench: SubmitBench, count: number): readonly Effect[] =>
	Array.from({ length: count }, () => bench.second()).flat();

test('a message that was signed before a crash is neither told nor pushed before the first sync', () => {
	const { bench, submission, effects } = heldOnce();
	const early = [...effects, ...secondsOf(bench, 2)];
	assert.deepEqual(of(early, 'push'), []);
	assert.deepEqual(of(early, 'prepare'), []);
	assert.ok(!JSON.stringify(buildDigest(bench.state)).includes(shortHash(submission.bytes)));
	assert.deepEqual(bench.state.records.own?.envelope.body.submissions, []);
	const late = [...secondsOf(bench, 5), ...bench.see(NOW + 2)];
	assert.deepEqual(
		of(late, 'push').map(({ cid }) => cid),
		[submission.cid],
	);
	assert.deepEqual(of(late, 'sign'), []);
});

test('of two answers that the mesh signed while one of them was unknown, the unknown one never leaves the node', () => {
	for (const nonce of [0, 1]) {
		const { bench, submission } = heldOnce();
		const effects = [
			...hearRival(bench, { nonce }),
			...secondsOf(bench, 6),
			...bench.see(NOW + 2),
			...bench.see(NOW + 8),
		];
		assert.ok(!of(effects, 'push').some(({ cid }) => cid === submission.cid), `nonce ${nonce}`);
		assert.equal(decided(effects, 'displaced')[0]?.reason, 'superseded');
		bench.restart();
		assert.equal(bench.state.messages.get(submission.cid)?.held, true, 'nor after another start');
	}
});

test('a partition that was posted meanwhile needs no message that nobody heard of', () => {
	const { bench, submission } = heldOnce();
	const effects = [...bench.see(NOW + 1, { posted: [0] }), ...secondsOf(bench, 6)];
	assert.deepEqual(of(effects, 'push'), []);
	assert.equal(bench.state.messages.get(submission.cid)?.dead, 'superseded');
});

test('one that a pool shows counts at once: others have it', () => {
	const { bench, submission } = heldOnce();
	bench.see(NOW + 1, { pool: [submission] });
	assert.equal(bench.state.messages.get(submission.cid)?.held, false);
	hearRival(bench, { nonce: 1 });
	assert.equal(bench.state.messages.get(submission.cid)?.dead, null);
});

test('the nonce behind one that was found again waits until it is known elsewhere', () => {
	const { bench } = heldOnce();
	bench.prove(0);
	bench.prove(1);
	const effects = [...secondsOf(bench, 6), ...bench.see(NOW + 1)];
	assert.equal(of(effects, 'push').length, 1);
	assert.deepEqual(of(effects, 'prepare'), []);
});

test('a foreign message is told once, stays told while the pool shows it, and none hides later ones for ever', () => {
	const { bench, submission } = signedOnce();
	const foreign = (name: string): PoolMessage => ({ ...submission, cid: `baf${name}` as CidText, call: null });
	const told = (effects: readonly Effect[]) =>
		of(effects, 'alarm').filter(({ alarm }) => alarm.code === 'foreign-message').length;
	const cleared = (effects: readonly Effect[]) =>
		of(effects, 'alarm-cleared').filter(({ code }) => code === 'foreign-message').length;
	const pass = (ms: number): readonly Effect[] => {
		bench.now += ms;
		return bench.second();
	};
	assert.equal(told(bench.see(NOW, { pool: [foreign('a')] })), 1);
	pass(limits.alarmMs / 2);
	assert.equal(told(bench.see(NOW, { pool: [foreign('a')] })), 0);
	assert.equal(cleared(pass(limits.alarmMs / 2)), 0, 'it was there half a day ago');
	assert.equal(cleared(pass(limits.alarmMs / 2)), 1);
	assert.ok(told(bench.see(NOW, { pool: Array.from({ length: 2_000 }, (_, i) => foreign(`b${i}`)) })) > 0);
	pass(limits.alarmMs);
	assert.equal(told(bench.see(NOW, { pool: [foreign('c')] })), 1);
});

test('a message that the full node refuses a second time is an alarm with its reason, until a pool takes it', () => {
	const { bench, submission } = signedOnce();
	const detail = 'not enough funds (required: 2, balance: 1)';
	const refuse = (): readonly Effect[] =>
		bench.give({ type: 'pushed', cid: submission.cid, code: 'chain-rpc', detail });
	assert.deepEqual(of(refuse(), 'alarm'), []);
	assert.equal(of(bench.see(NOW + 1), 'push').length, 1, 'it is pushed again in the next epoch');
	const [raised] = of(refuse(), 'alarm');
	assert.deepEqual(raised?.alarm, {
		code: 'submission-refused',
		subject: submission.work,
		facts: { code: 'chain-rpc', detail },
	});
	bench.see(NOW + 2);
	assert.equal(of(bench.give({ type: 'pushed', cid: submission.cid, code: null }), 'alarm-cleared').length, 1);
});

test('a sender whose work was forgotten while its message was made signs the next one', () => {
	for (const until of ['prepared', 'signed'] as const) {
		const bench = new SubmitBench();
		bench.prove(0);
		const [prepare] = of([...bench.see(NOW), ...bench.second()], 'prepare');
		assert.ok(prepare !== undefined);
		const forget = (): void => retire(bench.state, workIn(bench, 0), 'no-room');
		if (until === 'prepared') {
			forget();
			assert.deepEqual(of(bench.give(preparedFor(prepare)), 'sign'), []);
		} else {
			const [sign] = of(bench.give(preparedFor(prepare)), 'sign');
			assert.ok(sign !== undefined);
			forget();
			bench.give({ type: 'signed', submission: messageOf(bench, sign.params, { nonce: sign.nonce }) });
		}
		const effects = [...bench.see(NOW + 1), ...bench.prove(1), ...bench.see(NOW + 2), ...bench.second()];
		assert.equal(of(effects, 'prepare').length, 1, until);
	}
});

const workIn = (bench: CoreBench, partition: number): Work => {
	const work = bench.state.works.get(workOf(partition).id);
	assert.ok(work !== undefined);
	return work;
};

/** The chain's word on what is to be signed. */
function preparedFor({ work }: EffectOf<'prepare'>): EventOf<'prepared'> {
	const gas = { limit: 1_000, feeCap: attoFil(1_000n), premium: attoFil(100n) };
	const at = { epoch: epoch(NOW), commitEpoch: epoch(NOW - 1), commitRandomness: hex32('00'.repeat(32)) };
	return { type: 'prepared', work: work.id, randomness: work.randomness, posted: false, gas, ...at };
}

test('what became the best result while another was prepared is prepared anew: gas was reckoned for the other one', () => {
	const bench = new SubmitBench();
	const late = challenge.close - limits.doubtfulEpochs;
	const prove = (skipped: readonly number[]): void => {
		const body = {
			work: workOf(0).id,
			proof: new Uint8Array(192).fill(skipped.length),
			skipped: Bitfield.of(skipped),
			refusals: [],
			proveMs: 1,
		};
		bench.hear('p', { kind: 'res', body }, NOW);
		const hash = resultHash(body.proof, body.skipped);
		bench.give({ type: 'verified', work: body.work, hash, verdict: 'good' });
	};
	prove([1, 2]);
	const prepares = (): readonly EffectOf<'prepare'>[] => of([...bench.see(late), ...bench.second()], 'prepare');
	const [first] = prepares();
	assert.ok(first !== undefined);
	assert.equal(first.skipped.size, 2);
	prove([1]);
	const effects = bench.give(preparedFor(first));
	assert.deepEqual(of(effects, 'sign'), []);
	const [second] = of([...effects, ...bench.second()], 'prepare');
	assert.ok(second !== undefined);
	assert.equal(second.skipped.size, 1);
	const [sign] = of(bench.give(preparedFor(second)), 'sign');
	assert.equal(sign?.params.skipped.size, 1);
});

test('a submitter whose key is in use elsewhere signs nothing: its twin has the same rank', () => {
	const stages: readonly ((bench: SubmitBench) => readonly Effect[])[] = [
		(bench) => [...bench.see(NOW), ...bench.second()],
		(bench) => bench.give(preparedFor({ type: 'prepare', work: workOf(0) } as EffectOf<'prepare'>)),
		(bench) => bench.give({ type: 'signed', submission: messageOf(bench, paramsOf(0)) }),
	];
	for (let clonedAt = 0; clonedAt <= stages.length; clonedAt++) {
		const bench = new SubmitBench();
		bench.prove(0);
		const effects = stages.flatMap((stage, i) => {
			if (i === clonedAt) clone(bench);
			return stage(bench);
		});
		const made = effects.filter(({ type }) => type === 'prepare' || type === 'sign' || type === 'push');
		assert.equal(made.length, clonedAt, made.map(({ type }) => type).join());
	}
});

/** The node hears what another process has said with its key. */
function clone(bench: SubmitBench): void {
	const { incarnation, sequence } = bench.state.identity;
	const said = { network: 'corenet', from: bench.id('self'), incarnation, sequence: sequence + 5, epoch: epoch(NOW) };
	const envelope = { ...said, kind: 'rec', body: idleRecord() } as const;
	bench.give({ type: 'statement', envelope, raw: new Uint8Array(1), relay: bench.id('other'), ageMs: 0 });
	assert.ok(bench.state.identity.cloned);
}

test('a message that cannot be prepared is told each time, and an alarm from the second time on, until it can', () => {
	const bench = new SubmitBench();
	bench.prove(0);
	const fail = (at: number): readonly Effect[] => {
		const [prepare] = of([...bench.see(at), ...bench.second()], 'prepare');
		assert.ok(prepare !== undefined, 'it is tried again at the next epoch');
		const { id } = prepare.work;
		const detail = 'Filecoin.GasEstimateMessageGas did not answer';
		return bench.give({ type: 'prepare-failed', work: id, code: 'chain-timeout', refused: false, detail });
	};
	const first = fail(NOW);
	assert.equal(decided(first, 'submission-refused')[0]?.reason, 'chain-timeout');
	assert.deepEqual(of(first, 'alarm'), []);
	const [raised] = of(fail(NOW + 1), 'alarm');
	assert.equal(raised?.alarm.facts['code'], 'chain-timeout');
	const [prepare] = of([...bench.see(NOW + 2), ...bench.second()], 'prepare');
	assert.ok(prepare !== undefined);
	assert.equal(of(bench.give(preparedFor(prepare)), 'alarm-cleared').length, 1);
});

test('a nonce that nobody holds is left to a proof that is signed for soon; without one the next item is signed again', () => {
	for (const proven of [true, false]) {
		const bench = new SubmitBench();
		const behind = messageOf(bench, paramsOf(1), { nonce: 1 });
		bench.hear('other', { kind: 'sub', body: behind }, challenge.open);
		const checked = [...bench.give({ type: 'message-checked', cid: behind.cid, verdict: 'good' }), ...bench.second()];
		for (const { work, hash } of of(checked, 'verify')) {
			bench.give({ type: 'verified', work: work.id, hash, verdict: 'good' });
		}
		const signs: EffectOf<'sign'>[] = [];
		for (let at = challenge.open + 1; at <= NOW; at++) {
			const effects = [...bench.see(at, { pool: [behind] }), ...bench.second()];
			if (proven && at === challenge.open + 1) effects.push(...bench.prove(0));
			for (const prepare of of(effects, 'prepare')) effects.push(...bench.give(preparedFor(prepare)));
			signs.push(...of(effects, 'sign'));
		}
		assert.deepEqual(
			signs.map(({ params, nonce }) => [params.partition, nonce]),
			[[proven ? 0 : 1, 0]],
		);
	}
});
