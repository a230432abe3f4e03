/**
 * The gate for statements of others: decode, network, membership, quota, signature, in the order of their cost. Only
 * what passes reaches the core; what fails is counted by its reason, and the relay learns no more than a verdict.
 */
import { createHash } from 'node:crypto';
import { TokenBucket } from '../adapters/libp2p/token-bucket.ts';
import { type DecodedEnvelope, decodeEnvelope } from '../codec/envelope.ts';
import type { EventOf } from '../core/api.ts';
import { isPosterError } from '../domain/errors.ts';
import type { NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Roster } from '../domain/roster.ts';
import type { Clock } from '../ports/clock.ts';
import type { Identity } from '../ports/identity.ts';
import type { GossipVerdict } from '../ports/mesh.ts';
import type { Metrics } from '../ports/metrics.ts';

export interface InboundPorts {
	readonly identity: Identity;
	readonly clock: Clock;
	readonly metrics: Metrics;
}

export interface InboundOptions {
	readonly network: string;
	/** SHA-256 of statements that made the core fail before: see quarantine.ts. */
	readonly quarantined: (hash: string) => boolean;
	readonly enqueue: (event: EventOf<'statement'>) => void;
}

export class Inbound {
	readonly #ports: InboundPorts;
	readonly #options: InboundOptions;
	/** One bucket for each member: whoever relays, an author has one quota. */
	#authors = new Map<NodeId, TokenBucket>();

	constructor(ports: InboundPorts, options: InboundOptions, roster: Roster) {
		this.#ports = ports;
		this.#options = options;
		this.setRoster(roster);
	}

	setRoster(roster: Roster): void {
		const { clock } = this.#ports;
		const fresh = (): TokenBucket =>
			new TokenBucket(clock, limits.authorStatementsPerSecond, limits.authorStatementsBurst);
		this.#authors = new Map(roster.peers.map(({ id }) => [id, this.#authors.get(id) ?? fresh()]));
	}

	/** `ageMs`: how long the relay has had it (0 by gossip). Never throws: bad bytes are a verdict. */
	take(relay: NodeId, raw: Uint8Array, ageMs: number): GossipVerdict {
		const decoded = this.#decode(raw);
		if (decoded === undefined) return 'reject';
		const { envelope, signingBytes, signature } = decoded;
		if (envelope.network !== this.#options.network) return this.#refuse('reject', 'network');
		const quota = this.#authors.get(envelope.from);
		// The relay may have an older or a newer roster than we: no lie on its side.
		if (quota === undefined) return this.#refuse('ignore', 'not-member');
		if (this.#options.quarantined(statementHash(raw))) return this.#refuse('ignore', 'quarantined');
		if (!quota.take(1)) return this.#refuse('ignore', 'quota');
		if (!this.#ports.identity.verify(envelope.from, signingBytes, signature)) {
			return this.#refuse('reject', 'signature');
		}
		if (envelope.kind === 'res') for (const refusal of envelope.body.refusals) this.#takeRefusal(relay, refusal, ageMs);
		this.#options.enqueue({ type: 'statement', envelope, raw, relay, ageMs });
		return 'accept';
	}

	/** Holders' words that a result brings along count like any other statement, and only refusals may come this way. */
	#takeRefusal(relay: NodeId, raw: Uint8Array, ageMs: number): void {
		const kind = this.#decode(raw)?.envelope.kind;
		if (kind === 'ref') this.take(relay, raw, ageMs);
		else if (kind !== undefined) this.#refuse('reject', 'not-a-refusal');
	}

	#decode(raw: Uint8Array): DecodedEnvelope | undefined {
		try {
			return decodeEnvelope(raw);
		} catch (error) {
			if (!isPosterError(error)) throw error;
			this.#refuse('reject', error.code);
			return undefined;
		}
	}

	#refuse(verdict: GossipVerdict, reason: string): GossipVerdict {
		this.#ports.metrics.count('poster_statements_refused_total', { reason });
		return verdict;
	}
}

export function statementHash(raw: Uint8Array): string {
	return createHash('sha256').update(raw).digest('hex');
}
