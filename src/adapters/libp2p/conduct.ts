/**
 * What happens to a peer that breaks the protocol: each breach is counted with its reason; repeated garbage, and any
 * flood, gets it cut off and refused for a while. Honest peers with a bug come back by themselves.
 */
import type { NodeId } from '../../domain/ids.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Membership } from './membership.ts';

export interface ConductComponents {
	readonly membership: Membership;
	readonly metrics: Metrics;
	readonly log: Log;
}

export class Conduct {
	readonly #components: ConductComponents;
	readonly #drop: (peer: NodeId) => void;

	/** `drop` cuts all connections of a peer. */
	constructor(components: ConductComponents, drop: (peer: NodeId) => void) {
		this.#components = components;
		this.#drop = drop;
	}

	/** Something that could not be parsed, or claimed an impossible length. A few are forgiven. */
	garbage(peer: NodeId, protocol: string, reason: string): void {
		this.#components.metrics.count('poster_mesh_garbage_total', { protocol, reason });
		if (this.#components.membership.strike(peer)) this.#ban(peer, 'garbage');
	}

	/** More than the quota of its connection. */
	flooded(peer: NodeId, reason: string): void {
		this.#components.metrics.count('poster_mesh_garbage_total', { protocol: 'gossip', reason });
		this.#ban(peer, reason);
	}

	#ban(peer: NodeId, reason: string): void {
		this.#components.log.warn({ peer, reason }, 'peer banned for a minute');
		this.#components.metrics.count('poster_mesh_bans_total', { reason });
		this.#components.membership.ban(peer);
		this.#drop(peer);
	}
}
