/**
 * Keeps the mesh connected. libp2p 3 dials nothing by itself: discovery only fills the peer store. Members and bootstrap
 * addresses are dialled for ever, with doubled pauses and jitter, and at once when an address is learned or lost.
 */
import type { Libp2p, PeerId } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { NodeId } from '../../domain/ids.ts';
import { nodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { MeshMember } from '../../ports/mesh.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { parseAddress, peerOf, withoutPeer } from './addresses.ts';
import type { Membership } from './membership.ts';
import type { RememberedAddresses } from './remembered-addresses.ts';

/** The node with the higher id gives the other this long to dial first: two connections between two nodes are waste. */
const YIELD_MS = 400;
/** A refusal follows the handshake within a round trip: a connection that lived longer was a success. */
const SETTLED_MS = 1_000;
/** Failed dials in a row after which the operator hears of it, once. */
const WARN_AFTER = 6;

interface Target {
	/** Undefined for a bootstrap address without peer id until it was reached. */
	id: NodeId | undefined;
	/** From the config; kept while the roster changes. */
	readonly bootstrap: Multiaddr[];
	/** From the roster. */
	configured: readonly Multiaddr[];
	failures: number;
	connectedAt: number;
	dialling: boolean;
	cancel: (() => void) | undefined;
}

export interface DialerComponents {
	readonly node: Libp2p;
	readonly membership: Membership;
	readonly remembered: RememberedAddresses;
	readonly clock: Clock;
	readonly log: Log;
	readonly metrics: Metrics;
}

export class Dialer {
	readonly #components: DialerComponents;
	readonly #self: NodeId;
	/** By peer id, or by address for a bootstrap peer without id. Bounded by roster and config. */
	readonly #targets = new Map<string, Target>();
	#dials = 0;
	#running = false;

	constructor(components: DialerComponents, bootstrap: readonly string[]) {
		this.#components = components;
		this.#self = nodeId(components.node.peerId.toString());
		for (const text of bootstrap) this.#addBootstrap(parseAddress(text));
	}

	start(): void {
		this.#running = true;
		this.repair();
	}

	stop(): void {
		this.#running = false;
		for (const target of this.#targets.values()) this.#cancel(target);
	}

	setMembers(members: readonly MeshMember[]): void {
		const listed = new Map<string, MeshMember>();
		for (const member of members) if (member.id !== this.#self) listed.set(member.id, member);
		for (const [key, target] of this.#targets) {
			if (target.bootstrap.length > 0 || listed.has(key)) continue;
			this.#cancel(target);
			this.#targets.delete(key);
		}
		for (const { id, addresses } of listed.values()) this.#configure(this.#target(id, id), this.#valid(id, addresses));
		this.repair();
	}

	/** Schedules every target that is neither connected nor waiting: timers and events may get lost, this level does not. */
	repair(): void {
		for (const target of this.#targets.values()) this.#schedule(target, this.#firstPauseMs(target));
	}

	connected(id: NodeId): void {
		for (const target of this.#of(id)) {
			this.#cancel(target);
			target.connectedAt = this.#components.clock.now();
		}
	}

	disconnected(id: NodeId): void {
		for (const target of this.#of(id)) {
			// Whoever is refused sees the connection open and close: only one that lasted counts as success.
			const lasted = this.#components.clock.now() - target.connectedAt >= SETTLED_MS;
			target.failures = lasted ? 0 : target.failures + 1;
			this.#schedule(target, lasted ? this.#firstPauseMs(target) : this.#pauseMs(target));
		}
	}

	/** The target of a peer, and of a bootstrap address that led to it. */
	#of(id: NodeId): Target[] {
		return [...this.#targets.values()].filter((target) => target.id === id);
	}

	/** Addresses of a member from a peer; new ones are tried at once. */
	async learned({ id, addresses: texts }: MeshMember): Promise<void> {
		const target = this.#targets.get(id);
		if (target === undefined || this.#isConnected(target)) return;
		const { peerStore } = this.#components.node;
		const peer = peerIdFromString(id);
		const addresses = this.#valid(id, texts);
		const known = (await peerStore.has(peer)) ? (await peerStore.get(peer)).addresses : [];
		const fresh = addresses.filter((address) => !known.some((old) => old.multiaddr.equals(withoutPeer(address))));
		if (fresh.length === 0) return;
		await peerStore.merge(peer, { multiaddrs: fresh });
		this.#startOver(target);
	}

	#configure(target: Target, addresses: readonly Multiaddr[]): void {
		const fresh = addresses.some((address) => !target.configured.some((old) => old.equals(address)));
		target.configured = addresses;
		if (fresh) this.#startOver(target);
	}

	/** What was tried in vain says nothing about a new address. */
	#startOver(target: Target): void {
		this.#cancel(target);
		target.failures = 0;
		this.#schedule(target, this.#firstPauseMs(target));
	}

	#addBootstrap(address: Multiaddr): void {
		const id = peerOf(address);
		// The own id among the bootstrap peers is this node itself, or its clone: dialled without the id to find out.
		if (id === undefined || id === this.#self) {
			const anonymous = withoutPeer(address);
			this.#target(anonymous.toString(), undefined).bootstrap.push(anonymous);
		} else {
			this.#target(id, id).bootstrap.push(address);
		}
	}

	#target(key: string, id: NodeId | undefined): Target {
		let target = this.#targets.get(key);
		if (target === undefined) {
			target = { id, bootstrap: [], configured: [], failures: 0, connectedAt: 0, dialling: false, cancel: undefined };
			this.#targets.set(key, target);
		}
		return target;
	}

	#schedule(target: Target, pauseMs: number): void {
		if (!this.#running || target.dialling || target.cancel !== undefined || !this.#wanted(target)) return;
		target.cancel = this.#components.clock.after(pauseMs, () => {
			target.cancel = undefined;
			if (this.#dials >= limits.parallelDials) this.#schedule(target, jitter(limits.redialFirstMs));
			else void this.#dial(target);
		});
	}

	#cancel(target: Target): void {
		target.cancel?.();
		target.cancel = undefined;
	}

	#wanted(target: Target): boolean {
		if (this.#isConnected(target) || this.#isOwn(target)) return false;
		if (target.id !== undefined && this.#components.membership.refusal(target.id) !== undefined) return false;
		// A large mesh is not a full one: gossip and directory reach the rest.
		const full = this.#components.membership.size > limits.fullMeshPeers;
		return target.bootstrap.length > 0 || !full || this.#components.node.getPeers().length < limits.fullMeshPeers;
	}

	async #dial(target: Target): Promise<void> {
		if (!this.#running || !this.#wanted(target)) return;
		const { node, metrics } = this.#components;
		const signal = AbortSignal.timeout(limits.dialMs);
		target.dialling = true;
		this.#dials += 1;
		try {
			const connection = await node.dial(await this.#destination(target), { signal });
			target.id = nodeId(connection.remotePeer.toString());
			target.connectedAt = this.#components.clock.now();
		} catch (error) {
			target.failures += 1;
			metrics.count('poster_mesh_dial_failures_total');
			this.#explain(target, error);
		} finally {
			target.dialling = false;
			this.#dials -= 1;
			this.#schedule(target, this.#pauseMs(target));
		}
	}

	/** By id where there is one: libp2p then adds what the peer store and the DHT know. */
	async #destination({ id, bootstrap, configured }: Target): Promise<PeerId | Multiaddr[]> {
		if (id === undefined || bootstrap.some((address) => peerOf(address) === undefined)) return bootstrap;
		const peer = peerIdFromString(id);
		const multiaddrs = [...bootstrap, ...configured, ...this.#components.remembered.of(id)];
		// Merged before each dial: addresses in the peer store expire after an hour.
		if (multiaddrs.length > 0) await this.#components.node.peerStore.merge(peer, { multiaddrs });
		return peer;
	}

	#explain(target: Target, error: unknown): void {
		const facts = {
			peer: target.id,
			addresses: addressesOf(target).map(String),
			failures: target.failures,
			err: error,
		};
		this.#components.log.debug(facts, 'dial failed');
		if (target.failures === WARN_AFTER) this.#components.log.warn(facts, 'peer cannot be reached, trying on');
	}

	#isConnected({ id }: Target): boolean {
		return id !== undefined && this.#components.node.getConnections(peerIdFromString(id)).length > 0;
	}

	/** A bootstrap address that this node itself listens at. */
	#isOwn({ id, bootstrap }: Target): boolean {
		if (id !== undefined) return false;
		const own = this.#components.node.getMultiaddrs().map((address) => withoutPeer(address).toString());
		return bootstrap.every((address) => own.includes(address.toString()));
	}

	#firstPauseMs({ id, bootstrap }: Target): number {
		const yields = bootstrap.length === 0 && id !== undefined && id < this.#self;
		return jitter(yields ? YIELD_MS : limits.redialFirstMs / 10);
	}

	#pauseMs({ failures }: Target): number {
		return jitter(Math.min(limits.redialLastMs, limits.redialFirstMs * 2 ** Math.max(0, Math.min(failures - 1, 16))));
	}

	/** Configured and learned addresses of one peer: parsed, of that peer, bounded; the others are left out. */
	#valid(id: NodeId, texts: readonly string[]): Multiaddr[] {
		const valid: Multiaddr[] = [];
		for (const text of texts.slice(0, limits.peerAddresses)) {
			try {
				const address = parseAddress(text);
				if ((peerOf(address) ?? id) === id) valid.push(address);
			} catch (error) {
				this.#components.log.debug({ peer: id, address: text, err: error }, 'address left out');
			}
		}
		return valid;
	}
}

function addressesOf({ bootstrap, configured }: Target): readonly Multiaddr[] {
	return [...bootstrap, ...configured];
}

/** +-25 %, so that nodes that lost each other at the same moment do not dial in step. */
function jitter(ms: number): number {
	return Math.round(ms * (0.75 + Math.random() / 2));
}
