/**
 * A handshake costs milliseconds and shows only at its end that the peer is banned, or no member: addresses from which
 * too many ended so are not listened to for a while. Members behind the same address keep their connections, and are
 * dialled by this node.
 */
import { BlockList, type SocketAddress } from 'node:net';
import type { Multiaddr } from '@multiformats/multiaddr';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import { TokenBucket } from './token-bucket.ts';

export class HostPatience {
	readonly #clock: Clock;
	/** In the order of their last refusal; bounded, since strangers choose their addresses. */
	readonly #hosts = new Map<string, TokenBucket>();

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	/** `host`: an IP address. */
	hasPatience(host: string): boolean {
		return this.#hosts.get(host)?.has(1) ?? true;
	}

	/** A handshake from there was for nothing. */
	refused(address: Multiaddr): void {
		const host = hostOf(address);
		const bucket = this.#hosts.get(host) ?? new TokenBucket(this.#clock, limits.refusedPerHost);
		bucket.take(1);
		this.#hosts.delete(host);
		this.#hosts.set(host, bucket);
		const [oldest] = this.#hosts.keys();
		if (this.#hosts.size > limits.refusedHosts && oldest !== undefined) this.#hosts.delete(oldest);
	}
}

/** The address without port: one machine has thousands of those. */
function hostOf(address: Multiaddr): string {
	return address.getComponents()[0]?.value ?? '';
}

/** An IPv4 address as a socket of both families tells it. */
const MAPPED = '::ffff:';

/** Closes connections as they are accepted: whoever connects again and again must not cost more than that. */
export class RefusedHosts extends BlockList {
	readonly #refuses: (host: string) => boolean;

	constructor(refuses: (host: string) => boolean) {
		super();
		this.#refuses = refuses;
	}

	override check(address: string | SocketAddress): boolean {
		const host = typeof address === 'string' ? address : address.address;
		return this.#refuses(host.startsWith(MAPPED) ? host.slice(MAPPED.length) : host);
	}
}
