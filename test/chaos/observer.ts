/**
 * A silent member that hears what is gossiped and keeps a hash of every statement: the same (incarnation, sequence) of
 * one node with two contents is what a node must never say.
 */
import { createHash } from 'node:crypto';
import { createLibp2pMesh, type Libp2pMeshParts } from '../../src/adapters/libp2p/create-mesh.ts';
import { decodeEnvelope } from '../../src/codec/envelope.ts';
import type { Home } from '../../src/node/home.ts';
import { loadRoster } from '../../src/node/roster-file.ts';
import { memoryMetrics } from '../support/memory-metrics.ts';
import { silentLog } from '../support/silent-log.ts';
import { systemClock } from '../support/system-clock.ts';

export const OBSERVER = 'observer';

export interface Reuse {
	readonly from: string;
	readonly incarnation: number;
	readonly sequence: number;
}

export class Observer {
	readonly reuses: Reuse[] = [];
	readonly #parts: Libp2pMeshParts;
	readonly #seen = new Map<string, string>();

	private constructor(parts: Libp2pMeshParts) {
		this.#parts = parts;
	}

	/** `doors`: multiaddrs of the members; nobody can dial the observer. */
	static async join(home: Home, doors: readonly string[]): Promise<Observer> {
		const { roster } = await loadRoster(home);
		const parts = await createLibp2pMesh(
			{ log: silentLog, metrics: memoryMetrics(), clock: systemClock },
			{
				privateKey: home.identity.toProtobuf(),
				meshKey: home.meshKey,
				network: roster.network,
				listen: [],
				bootstrap: doors,
				dht: false,
				onCloned: () => undefined,
			},
		);
		const observer = new Observer(parts);
		const ignore = (): void => undefined;
		parts.mesh.setMembers(roster.peers.map(({ id }) => ({ id, addresses: [] })));
		await parts.mesh.start({
			gossip: (_relay, bytes) => {
				observer.#take(bytes);
				return 'accept';
			},
			connected: ignore,
			disconnected: ignore,
		});
		return observer;
	}

	/** Different statements heard. */
	get statements(): number {
		return this.#seen.size;
	}

	stop(): Promise<void> {
		return this.#parts.stop();
	}

	#take(bytes: Uint8Array): void {
		const { envelope, signingBytes } = decodeEnvelope(bytes);
		const { from, incarnation, sequence } = envelope;
		const key = `${from}/${incarnation}/${sequence}`;
		const hash = createHash('sha256').update(signingBytes).digest('hex');
		const before = this.#seen.get(key);
		if (before !== undefined && before !== hash) this.reuses.push({ from, incarnation, sequence });
		this.#seen.set(key, hash);
	}
}
