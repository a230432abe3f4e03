/** An honest pair with an echo protocol, and a hostile member connected to the first. The pair must still work after. */
import assert from 'node:assert/strict';
import { monoMs } from '../../src/domain/ids.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { HostilePeer } from '../fakes/hostile-peer.ts';
import type { TestNode } from './libp2p-nodes.ts';
import { connectAll, idOf, withNodes } from './libp2p-nodes.ts';
import { systemClock } from './system-clock.ts';

export const ECHO = '/poster/echo/1';
export const MAX_REQUEST = 1000;
const HOSTILE_SEED = 66;
/**
 * Time goes by so much slower for their quotas: what is a flood for them is none that needs a fast machine, with time for
 * nothing else, to be made.
 */
const SLOWER = 20;
const slowClock: Clock = { ...systemClock, now: () => monoMs(Math.floor(systemClock.now() / SLOWER)) };

export async function underAttack(work: (victim: TestNode, hostile: HostilePeer) => Promise<void>): Promise<void> {
	const pair = async (victim?: TestNode, friend?: TestNode): Promise<void> => {
		assert.ok(victim && friend);
		victim.streams.onCall(ECHO, MAX_REQUEST, async (_, request) => request);
		await connectAll([victim, friend]);
		const ids = [victim.id, friend.id, await idOf(HOSTILE_SEED)];
		victim.mesh.setMembers(ids.map((id) => ({ id, addresses: [] })));
		const hostile = await HostilePeer.connect(HOSTILE_SEED, victim.mesh.addresses()[0] ?? '');
		try {
			await work(victim, hostile);
			const answer = await friend.streams.call(victim.id, ECHO, Uint8Array.of(5), {
				timeoutMs: 60_000,
				maxResponseBytes: 10,
			});
			assert.deepEqual([...answer], [5], 'others are served as before');
		} finally {
			await hostile.stop();
		}
	};
	await withNodes(2, pair, {}, slowClock);
}
