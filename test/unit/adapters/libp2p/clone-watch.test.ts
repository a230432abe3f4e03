import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CloneWatch } from '../../../../src/adapters/libp2p/clone-watch.ts';
import { readPrivateKey } from '../../../../src/adapters/libp2p/libp2p-node.ts';
import { nodeId } from '../../../../src/domain/ids.ts';
import type { Clock } from '../../../../src/ports/clock.ts';
import { privateKeyOf } from '../../../support/libp2p-nodes.ts';
import { systemClock } from '../../../support/system-clock.ts';

const peer = nodeId('a member');

async function process(seed: number): Promise<{ watch: CloneWatch; reported: unknown[] }> {
	const reported: unknown[] = [];
	const key = readPrivateKey(await privateKeyOf(seed));
	return { watch: new CloneWatch(key, systemClock, (error) => reported.push(error.meta['seenBy'])), reported };
}

test('a process that another one of its identity signed for has a clone, whoever brings the signature', async () => {
	const [here, there] = [await process(1), await process(1)];
	const proof = await there.watch.proveTo(here.watch.instance);
	assert.ok(proof);
	assert.equal(await here.watch.seenBy(peer, proof), true);
	assert.deepEqual(here.reported, [peer]);
});

test('what was signed for an earlier process, by a stranger or by nobody, proves no clone', async () => {
	const [earlier, now, stranger] = [await process(1), await process(1), await process(2)];
	const other = await process(1);
	const proofs = [
		await other.watch.proveTo(earlier.watch.instance),
		await stranger.watch.proveTo(now.watch.instance),
		new Uint8Array(64),
	];
	for (const [index, proof] of proofs.entries()) {
		assert.ok(proof);
		assert.equal(await now.watch.seenBy(peer, proof), false, `proof ${index}`);
	}
	assert.deepEqual(now.reported, []);
});

test('a process never signs its own number: a member cannot have it prove its own clone', async () => {
	const { watch } = await process(1);
	assert.equal(await watch.proveTo(Uint8Array.from(watch.instance)), undefined);
});

/** Time that a test moves; a wait may begin another one, which then begins late. */
function moved(): { clock: Clock; pass: () => void } {
	let timers: (() => void)[] = [];
	const clock: Clock = {
		...systemClock,
		after(_ms, run) {
			timers.push(run);
			return () => {
				timers = timers.filter((other) => other !== run);
			};
		},
	};
	const pass = (): void => {
		for (const run of timers.splice(0)) run();
	};
	return { clock, pass };
}

test('who dials itself meets itself twice, also when the second time is read late; a clone is met once', async () => {
	const reported: unknown[] = [];
	const { clock, pass } = moved();
	const key = readPrivateKey(await privateKeyOf(1));
	const watch = new CloneWatch(key, clock, (error) => reported.push(error.meta['seenBy']));
	for (let round = 0; round < 3; round++) {
		watch.met('outbound');
		pass();
		watch.met('inbound');
		pass();
		pass();
	}
	assert.deepEqual(reported, []);
	for (const direction of ['inbound', 'outbound'] as const) {
		watch.met(direction);
		pass();
		pass();
	}
	assert.deepEqual(reported, ['handshake', 'handshake']);
});
