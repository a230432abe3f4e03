/** A message that a member tells for an item that it does not answer, before others tell the true one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { submissionOf } from '../../../src/codec/submission.ts';
import { workItem } from '../../../src/codec/work-id.ts';
import type { Event } from '../../../src/core/api.ts';
import { counts, type Message } from '../../../src/core/message.ts';
import { step } from '../../../src/core/poster.ts';
import type { EnvelopeBody } from '../../../src/domain/envelope.ts';
import { hex32, type WorkId } from '../../../src/domain/ids.ts';
import { Story } from '../../stories/story.ts';

const FALSE_ROOT = hex32('ab'.repeat(32));

/**
 * A submitter whose partition is not answered by any message yet, a second item of that partition that somebody
 * announced, and the message of another submitter that answers the first.
 */
function bench({ manifestComes = true, verdicts = 'at once' } = {}) {
	const story = new Story();
	story.tell(`
		mesh alpha=chain+submitter beta=chain+submitter gamma=chain+submitter store=storage/all p1=prover
		chain full
		await push reason=signed as=signer
		run 4`);
	const { world } = story;
	const { state } = world.named('alpha');
	assert.ok(state);
	const [own] = state.messages.values();
	const work = state.works.get(own?.submission.work ?? ('' as WorkId));
	assert.ok(own !== undefined && work !== undefined);
	// As if this node had heard of none.
	state.messages.delete(own.submission.cid);
	const { cid, signed } = own.submission;
	const judged: WorkId[] = [];
	const waiting: Event[] = [];
	/** What is asked is answered: the proof holds for the one item alone. */
	const feed = (...events: Event[]): void => {
		for (const event of events) {
			for (const effect of step(state, event, state.now).after) {
				if (effect.type === 'check-message') events.push({ type: 'message-checked', cid: effect.cid, verdict: 'good' });
				if (effect.type !== 'verify') continue;
				judged.push(effect.work.id);
				const verdict = effect.work.id === work.item.id ? 'good' : 'bad';
				const answer: Event = { type: 'verified', work: effect.work.id, hash: effect.hash, verdict };
				if (verdicts === 'later') waiting.push(answer);
				else events.push(answer);
			}
		}
	};
	let sequence = 2 ** 40;
	const say = (name: string, body: EnvelopeBody): void => {
		const { id: from } = world.named(name);
		const { network } = state.config;
		const envelope = { network, from, incarnation: 1, sequence: sequence++, epoch: work.item.open, ...body };
		feed({ type: 'statement', envelope, raw: new Uint8Array(), relay: from, ageMs: 0 });
	};
	const { partition, sectorCount, ...challenge } = work.item;
	const due = { partition, sectorCount, sectorRoot: FALSE_ROOT };
	const other = workItem(state.config.network, challenge, due);
	say('beta', { kind: 'ann', body: { challenge, items: [due] } });
	assert.ok(state.works.has(other.id));
	const sectors = state.manifests.get(work.item.sectorRoot)?.sectors;
	assert.ok(sectors);
	if (manifestComes) feed({ type: 'manifest-held', root: FALSE_ROOT, sectors });
	return {
		state,
		world,
		feed,
		own: own.submission,
		right: work.item.id,
		wrong: other.id,
		tell: (name: string, id: WorkId): void => say(name, { kind: 'sub', body: submissionOf(id, signed) }),
		taken: (): Message | undefined => state.messages.get(cid),
		/** Items that the proof was verified for. */
		judged: (): readonly WorkId[] => judged,
		judge: (): void => feed(...waiting.splice(0)),
	};
}

type Bench = ReturnType<typeof bench>;

function assertTaken({ taken, right }: Bench): void {
	const message = taken();
	assert.ok(message !== undefined && counts(message));
	assert.equal(message.dead, null);
	assert.equal(message.submission.work, right);
	assert.equal(message.statement?.envelope.body.work, right, 'and told on as such');
}

test('a message that was told for a wrong item first is taken for the right one', () => {
	const mesh = bench();
	mesh.tell('beta', mesh.wrong);
	assert.equal(mesh.taken()?.dead, 'bad-proof');
	assert.deepEqual(
		mesh.state.alarms.values().flatMap(({ alarm: { code, subject } }) => (code === 'bad-submission' ? [subject] : [])),
		[mesh.world.named('beta').id],
	);
	mesh.tell('gamma', mesh.right);
	assertTaken(mesh);
});

test('what comes while the wrong item is being judged is judged next', () => {
	const mesh = bench({ verdicts: 'later' });
	mesh.tell('beta', mesh.wrong);
	mesh.tell('gamma', mesh.right);
	assert.equal(mesh.taken()?.submission.work, mesh.wrong);
	mesh.judge();
	assertTaken(mesh);
});

test('an item whose sector list nobody has hides nothing', () => {
	const mesh = bench({ manifestComes: false });
	mesh.tell('beta', mesh.wrong);
	assert.equal(mesh.taken()?.dead, null, 'it cannot be judged');
	mesh.tell('gamma', mesh.right);
	assertTaken(mesh);
});

test('a member that erred may correct itself', () => {
	const mesh = bench();
	mesh.tell('gamma', mesh.wrong);
	mesh.tell('gamma', mesh.right);
	assertTaken(mesh);
});

test('a wrong item is judged once, however often it is told, and changes nothing any more', () => {
	const mesh = bench();
	for (let i = 0; i < 3; i++) mesh.tell('beta', mesh.wrong);
	assert.deepEqual(mesh.judged(), [mesh.wrong]);
	mesh.tell('gamma', mesh.right);
	for (const name of ['beta', 'gamma']) mesh.tell(name, mesh.wrong);
	assertTaken(mesh);
	assert.ok(!mesh.judged().slice(1).includes(mesh.wrong));
});

test('a message of the pool is taken for what the own view shows, whatever it was told for', () => {
	const mesh = bench();
	mesh.tell('beta', mesh.wrong);
	const view = mesh.world.chain.view();
	const { cid, bytes, signed, call } = mesh.own;
	mesh.feed({
		type: 'chain-view',
		view: { ...view, sender: { ...view.sender, pool: [{ cid, bytes, signed, call }] } },
	});
	assertTaken(mesh);
});

test('a message that this node signs is its own, whatever the same bytes were told for', () => {
	const mesh = bench();
	mesh.tell('beta', mesh.wrong);
	const sender = mesh.state.senders.get(mesh.own.signed.message.from);
	assert.ok(sender);
	sender.busy = { work: mesh.right, nonce: mesh.own.signed.message.nonce };
	mesh.feed({ type: 'signed', submission: mesh.own });
	assertTaken(mesh);
});
