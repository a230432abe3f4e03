/** A device that fails again and again is left alone for a while; a job's own failures do not count against it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GpuSlot } from '../../../../src/adapters/native/gpu-slot.ts';
import { PosterError } from '../../../../src/domain/errors.ts';
import { actorId, hex32 } from '../../../../src/domain/ids.ts';
import { limits } from '../../../../src/domain/limits.ts';
import type { ProofJob, ProofMade, ProverSlot } from '../../../../src/ports/prover.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { memoryLog } from '../../../support/memory-log.ts';

const never = new AbortController().signal;
const MADE: ProofMade = { proof: new Uint8Array(192), phaseMs: {}, device: 'a GPU' };
const job: ProofJob = {
	statement: { proofType: 10, miner: actorId(1000), randomness: hex32(`${'5b'.repeat(31)}1b`), sectors: [] },
	spool: { path: '/nowhere', slotOf: () => 0 },
};
const fallback = new PosterError('prover-failed', 'left', { meta: { code: 'gpu-fallback' } });
const noGpu = new PosterError('prover-failed', 'no device', { meta: { code: 'no-gpu' } });
const crash = new PosterError('prover-crashed', 'gone');
const badJob = new PosterError('prover-failed', 'no', { meta: { code: 'bad-vanilla' } });
const cancelled = new PosterError('prover-cancelled', 'not wanted');

class Device implements ProverSlot {
	readonly name = 'gpu-0';
	next: PosterError | undefined;
	changed: (inService: boolean) => void = () => undefined;
	async prove(): Promise<ProofMade> {
		if (this.next !== undefined) throw this.next;
		return MADE;
	}
	watch(changed: (inService: boolean) => void): void {
		this.changed = changed;
	}
	async close(): Promise<void> {}
}

function setup() {
	const clock = new ManualClock();
	const device = new Device();
	const slot = new GpuSlot(device, clock, memoryLog());
	const told: boolean[] = [];
	slot.watch((inService) => told.push(inService));
	const run = async (outcome?: PosterError): Promise<void> => {
		device.next = outcome;
		const made = slot.prove(job, () => undefined, never);
		await (outcome === undefined ? made : assert.rejects(made, outcome));
	};
	return { clock, device, told, run };
}

test('repeated faults of a device take it out of service, and it gets another try', async () => {
	const { clock, told, run } = setup();
	for (const fault of [fallback, crash]) await run(fault);
	assert.deepEqual(told, []);
	await run(noGpu);
	assert.deepEqual(told, [false]);
	clock.advance(limits.gpuDemotedMs - 1);
	assert.deepEqual(told, [false]);
	clock.advance(1);
	assert.deepEqual(told, [false, true]);
	// It has to prove itself first.
	await run(fallback);
	assert.deepEqual(told, [false, true, false]);
	clock.advance(limits.gpuDemotedMs);
	await run();
	await run(fallback);
	assert.deepEqual(told, [false, true, false, true]);
});

test('a proof between two faults clears them, and what is the job’s is no fault', async () => {
	const { told, run } = setup();
	const others = Array.from({ length: limits.gpuFaults }, () => [badJob, cancelled]).flat();
	for (const outcome of [fallback, fallback, undefined, fallback, fallback, ...others]) await run(outcome);
	assert.deepEqual(told, []);
});

test('a worker that is gone as well comes back only when both are well', async () => {
	const { clock, device, told, run } = setup();
	for (const fault of [crash, crash, crash]) await run(fault);
	device.changed(false);
	clock.advance(limits.gpuDemotedMs);
	assert.deepEqual(told, [false]);
	device.changed(true);
	assert.deepEqual(told, [false, true]);
});
