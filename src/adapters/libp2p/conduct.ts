/**
 * What happens to a peer that breaks the protocol: each breach is counted with its reason; repeated garbage, and any
 * flood, gets it cut off and refused for a while. Honest peers with a bug come back by themselves.
 */
import type { NodeId } from '../../domain/ids.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Membership } from './membership.ts';
import type { PeerQuotas, Quota } from './peer-quotas.ts';

export interface ConductComponents {
	readonly membership: Membership;
	readonly quotas: PeerQuotas;
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
		if (this.#components.quotas.strike(peer)) this.#ban(peer, 'garbage');
	}

	/** Takes `cost` of a quota; false when there was not so much left, and the peer is gone. */
	spend(peer: NodeId, protocol: string, quota: Quota, cost = 1): boolean {
		if (cost === 0 || this.#components.quotas.take(peer, quota, cost)) return true;
		this.flooded(peer, protocol, `flood-${quota}`);
		return false;
	}

	/** More than it may, or a length that no honest member claims. */
	flooded(peer: NodeId, protocol: string, reason: string): void {
		// What was on its way when the peer was cut is nothing new.
		if (this.#components.membership.refusal(peer) !== undefined) return;
		this.#components.metrics.count('poster_mesh_garbage_total', { protocol, reason });
		this.#ban(peer, reason);
	}

	#ban(peer: NodeId, reason: string): void {
		const { membership, metrics, log } = this.#components;
		if (membership.refusal(peer) !== undefined) return;
		const lastsMs = membership.ban(peer, reason);
		log.warn({ peer, reason, lastsMs }, 'peer banned');
		metrics.count('poster_mesh_bans_total', { reason });
		metrics.gauge('poster_mesh_banned', membership.bans().length);
		this.#drop(peer);
	}
}
