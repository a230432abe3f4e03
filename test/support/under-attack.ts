/** An honest pair with an echo protocol, and a hostile member connected to the first. The pair must still work after. */
import assert from 'node:assert/strict';
import { HostilePeer } from '../fakes/hostile-peer.ts';
import type { TestNode } from './libp2p-nodes.ts';
import { connectAll, idOf, withNodes } from './libp2p-nodes.ts';

export const ECHO = '/poster/echo/1';
export const MAX_REQUEST = 1000;
const HOSTILE_SEED = 66;

export async function underAttack(work: (victim: TestNode, hostile: HostilePeer) => Promise<void>): Promise<void> {
	await withNodes(2, async (victim, friend) => {
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
	});
}
