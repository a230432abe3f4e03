/** A member of the roster that says and serves what the test asks: our own network and codec, without the core's rules. */
import { createLibp2pMesh, type Libp2pMeshParts } from '../../src/adapters/libp2p/create-mesh.ts';
import { sealEnvelope } from '../../src/codec/envelope.ts';
import type { EnvelopeBody } from '../../src/domain/envelope.ts';
import { epoch } from '../../src/domain/ids.ts';
import type { Home } from '../../src/node/home.ts';
import { loadRoster } from '../../src/node/roster-file.ts';
import { VanillaServer } from '../../src/node/vanilla-server/vanilla-server.ts';
import type { VanillaSource } from '../../src/ports/vanilla.ts';
import { memoryLog } from '../support/memory-log.ts';
import { memoryMetrics } from '../support/memory-metrics.ts';
import { systemClock } from '../support/system-clock.ts';

export class EvilMember {
	readonly #parts: Libp2pMeshParts;
	readonly #home: Home;
	readonly #network: string;
	#sequence = 0;

	private constructor(parts: Libp2pMeshParts, home: Home, network: string) {
		this.#parts = parts;
		this.#home = home;
		this.#network = network;
	}

	/** Joins with the identity and the keys of this home. */
	static async join(home: Home, bootstrap: readonly string[]): Promise<EvilMember> {
		const { roster } = await loadRoster(home);
		const parts = await createLibp2pMesh(
			{ log: memoryLog(), metrics: memoryMetrics(), clock: systemClock },
			{
				privateKey: home.identity.toProtobuf(),
				meshKey: home.meshKey,
				network: roster.network,
				listen: ['/ip4/127.0.0.1/tcp/0'],
				bootstrap,
				dht: false,
				onCloned: () => undefined,
			},
		);
		const ignore = (): void => undefined;
		parts.mesh.setMembers(roster.peers.map(({ id }) => ({ id, addresses: [] })));
		await parts.mesh.start({ gossip: () => 'accept', connected: ignore, disconnected: ignore });
		return new EvilMember(parts, home, roster.network);
	}

	get connected(): number {
		return this.#parts.mesh.peers().length;
	}

	/** Signs and floods it, in order after what was said before. */
	say(statement: EnvelopeBody, at: number): Promise<void> {
		const { identity } = this.#home;
		const head = {
			network: this.#network,
			from: identity.id,
			incarnation: 1,
			sequence: ++this.#sequence,
			epoch: epoch(at),
		};
		return this.#parts.mesh.publish(sealEnvelope({ ...head, ...statement }, (bytes) => identity.sign(bytes)));
	}

	/** Serves vanilla proofs as every storage node does. Without a core it refuses and objects to nothing. */
	serve(source: VanillaSource): void {
		new VanillaServer(
			{ source, clock: systemClock, log: memoryLog(), metrics: memoryMetrics() },
			{ cacheBytes: 0, threads: undefined, emit: () => undefined },
		).serveOn(this.#parts.streams);
	}

	stop(): Promise<void> {
		return this.#parts.stop();
	}
}
