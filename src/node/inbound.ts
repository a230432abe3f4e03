/**
 * The gate for statements of others: decode, network, membership, quota, signature, in the order of their cost. Only
 * what passes reaches the core; what fails is counted by its reason, and the relay learns no more than a verdict.
 */
import { createHash } from 'node:crypto';
import { type Rate, TokenBucket } from '../adapters/libp2p/token-bucket.ts';
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

/**
 * What one author may say. What it hands over itself and what others relay of it are counted apart: a member that
 * replays another's old statements must not use up the other's quota.
 */
interface AuthorQuota {
	readonly direct: TokenBucket;
	readonly relayed: TokenBucket;
	/** What this member hands over of others. */
	readonly handedOver: TokenBucket;
}

/** How a statement came: by gossip, within another one that did, or as the answer to a question of this node. */
type Way = 'gossip' | 'enclosed' | 'pulled';

export class Inbound {
	readonly #ports: InboundPorts;
	readonly #options: InboundOptions;
	#authors = new Map<NodeId, AuthorQuota>();

	constructor(ports: InboundPorts, options: InboundOptions, roster: Roster) {
		this.#ports = ports;
		this.#options = options;
		this.setRoster(roster);
	}

	setRoster(roster: Roster): void {
		const bucket = (rate: Rate): TokenBucket => new TokenBucket(this.#ports.clock, rate);
		const fresh = (): AuthorQuota => ({
			direct: bucket(limits.authorStatements),
			relayed: bucket(limits.authorStatements),
			handedOver: bucket(limits.relayStatements),
		});
		this.#authors = new Map(roster.peers.map(({ id }) => [id, this.#authors.get(id) ?? fresh()]));
	}

	/** By gossip. Never throws: bad bytes are a verdict. */
	take(relay: NodeId, raw: Uint8Array): GossipVerdict {
		return this.#take(relay, raw, 0, 'gossip');
	}

	/** Asked for by sync; `ageMs`: how long the peer has had it. No quota: this node bounds what it asks for. */
	takePulled(relay: NodeId, raw: Uint8Array, ageMs: number): GossipVerdict {
		return this.#take(relay, raw, ageMs, 'pulled');
	}

	#take(relay: NodeId, raw: Uint8Array, ageMs: number, way: Way): GossipVerdict {
		const decoded = this.#decode(raw);
		if (decoded === undefined) return 'reject';
		const { envelope, signingBytes, signature } = decoded;
		if (envelope.network !== this.#options.network) return this.#refuse('reject', 'network');
		const quota = this.#authors.get(envelope.from);
		// The relay may have an older or a newer roster than we: no lie on its side.
		if (quota === undefined) return this.#refuse('ignore', 'not-member');
		if (this.#options.quarantined(statementHash(raw))) return this.#refuse('ignore', 'quarantined');
		const direct = relay === envelope.from;
		if (way === 'gossip' && !direct && this.#authors.get(relay)?.handedOver.take(1) === false) {
			return this.#refuse('flood', 'relay-quota');
		}
		// Before the author's quota: what nobody signed is the relay's, and uses up nothing of the one whose name it bears.
		if (!this.#ports.identity.verify(envelope.from, signingBytes, signature)) {
			return this.#refuse('reject', 'signature');
		}
		if (way !== 'pulled' && !(direct ? quota.direct : quota.relayed).take(1)) {
			return this.#refuse(direct ? 'flood' : 'ignore', 'quota');
		}
		if (envelope.kind === 'res') {
			for (const refusal of envelope.body.refusals) this.#takeRefusal(relay, refusal, ageMs, way);
		}
		this.#options.enqueue({ type: 'statement', envelope, raw, relay, ageMs });
		return 'accept';
	}

	/** Holders' words that a result brings along count like any other statement, and only refusals may come this way. */
	#takeRefusal(relay: NodeId, raw: Uint8Array, ageMs: number, way: Way): void {
		const kind = this.#decode(raw)?.envelope.kind;
		if (kind === 'ref') this.#take(relay, raw, ageMs, way === 'pulled' ? way : 'enclosed');
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
