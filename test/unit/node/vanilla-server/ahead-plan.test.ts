import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bitfield } from '../../../../src/domain/bitfield.ts';
import { AheadPlan } from '../../../../src/node/vanilla-server/ahead-plan.ts';
import type { SectorRead } from '../../../../src/node/vanilla-server/read-queue.ts';
import { fakeManifest, workOf } from '../../../support/work-items.ts';

const manifest = fakeManifest(1, 2, 3);
const list = (...numbers: readonly number[]) => [{ work: workOf(manifest), manifest, sectors: Bitfield.of(numbers) }];

/** Everything that is to be opened now; odd sectors can be, even ones cannot. */
function openAll(plan: AheadPlan): number[] {
	const opened: number[] = [];
	for (let read = plan.next(); read !== undefined; read = plan.next()) {
		opened.push(read.sector.number);
		const good = read.sector.number % 2 === 1;
		plan.settle(read, good ? { proof: new Uint8Array(1) } : { failure: 'missing', detail: '' });
	}
	return opened;
}

test('each sector of the list is given once, ascending', () => {
	const plan = new AheadPlan();
	plan.replace(list(1, 3));
	assert.deepEqual(openAll(plan), [1, 3]);
	assert.deepEqual(openAll(plan), []);
});

test('what is known of a sector stays while it is on the list; one that comes back is opened again', () => {
	const plan = new AheadPlan();
	plan.replace(list(1, 2, 3));
	assert.deepEqual(openAll(plan), [1, 2, 3]);
	plan.replace(list(1, 2));
	assert.deepEqual(openAll(plan), []);
	plan.replace(list(1));
	plan.replace(list(1, 2, 3));
	assert.deepEqual(openAll(plan), [2, 3]);
});

test('what failed is given again when it may be retried, what was opened is not', () => {
	const plan = new AheadPlan();
	plan.replace(list(1, 2));
	openAll(plan);
	plan.retryFailed();
	assert.deepEqual(openAll(plan), [2]);
});

test('a sector that did not fit is the next again', () => {
	const plan = new AheadPlan();
	plan.replace(list(1, 2));
	plan.putBack(plan.next() as SectorRead);
	assert.equal(plan.next()?.sector.number, 1);
});

test('a sector belongs to the listed items that hold it under the same commitment and challenge', () => {
	const plan = new AheadPlan();
	plan.replace(list(1, 2));
	const read = plan.next() as SectorRead;
	assert.equal(plan.wants(read), true);
	assert.equal(plan.wants({ ...read, group: 'another' }), false);
	const { commR } = manifest[1] as (typeof manifest)[0];
	assert.equal(plan.wants({ ...read, sector: { ...read.sector, commR } }), false);
	plan.replace(list(2));
	assert.equal(plan.wants(read), false);
	assert.deepEqual(plan.settle(read, { proof: new Uint8Array(1) }), []);
});
