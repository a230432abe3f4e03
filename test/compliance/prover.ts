/** What every ProverSlot does, over whichever implementation `open` gives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROOF_BYTES } from '../../src/domain/proof.ts';
import type { ProofJob, ProofPhase, ProverSlot } from '../../src/ports/prover.ts';
import type { Verifier } from '../../src/ports/verifier.ts';

export interface ProverSubject {
	readonly slot: ProverSlot;
	/** Accepts what the slot proves. */
	readonly verifier: Verifier;
	readonly job: ProofJob;
}

const ignore = (): void => undefined;
const never = new AbortController().signal;

export function proverCompliance(name: string, open: () => Promise<ProverSubject>): void {
	const rule = (what: string, check: (subject: ProverSubject) => Promise<void>): void => {
		test(`${name}: ${what}`, async (t) => {
			const subject = await open();
			t.after(() => subject.slot.close());
			t.after(() => subject.verifier.close());
			await check(subject);
		});
	};

	rule('what it proves verifies, and its phases follow one another', async ({ slot, verifier, job }) => {
		const phases: ProofPhase[] = [];
		const made = await slot.prove(job, (phase) => phases.push(phase), never);
		assert.equal(made.proof.length, PROOF_BYTES);
		assert.deepEqual(await verifier.verifyPost(job.statement, made.proof), { ok: true });
		assert.ok(phases.length > 0 && phases.length % 2 === 0);
		for (let i = 0; i < phases.length; i += 2) {
			assert.deepEqual([phases[i]?.state, phases[i + 1]?.state], ['start', 'end']);
			assert.equal(phases[i]?.phase, phases[i + 1]?.phase);
			assert.ok(Number.isFinite(phases[i + 1]?.ms));
		}
		assert.deepEqual(
			Object.keys(made.phaseMs).sort(),
			phases
				.filter(({ state }) => state === 'end')
				.map(({ phase }) => phase)
				.sort(),
		);
		assert.notEqual(made.device, '');
	});

	rule('a job cancelled while it runs is over within its call, and the next one is proven', async (subject) => {
		const { slot, verifier, job } = subject;
		const stop = new AbortController();
		const run = slot.prove(job, () => stop.abort(), stop.signal);
		await assert.rejects(run, { code: 'prover-cancelled' });
		const { proof } = await slot.prove(job, ignore, never);
		assert.deepEqual(await verifier.verifyPost(job.statement, proof), { ok: true });
	});

	rule('a job cancelled before it starts never starts', async ({ slot, job }) => {
		await assert.rejects(
			slot.prove(job, () => assert.fail('it started'), AbortSignal.abort()),
			{ code: 'prover-cancelled' },
		);
	});

	rule('it takes one job at a time', async ({ slot, job }) => {
		const first = slot.prove(job, ignore, never);
		await assert.rejects(slot.prove(job, ignore, never), { code: 'prover-unavailable' });
		assert.equal((await first).proof.length, PROOF_BYTES);
	});

	rule('a job that cannot be proven costs itself alone', async ({ slot, job }) => {
		const gone = {
			path: `${job.spool.path}.gone`,
			slotOf: (sector: Parameters<typeof job.spool.slotOf>[0]) => job.spool.slotOf(sector),
		};
		await assert.rejects(slot.prove({ ...job, spool: gone }, ignore, never), { code: 'prover-failed' });
		assert.equal((await slot.prove(job, ignore, never)).proof.length, PROOF_BYTES);
	});

	rule('a closed slot is unavailable', async ({ slot, job }) => {
		await slot.close();
		await slot.close();
		await assert.rejects(slot.prove(job, ignore, never), { code: 'prover-unavailable' });
	});
}
