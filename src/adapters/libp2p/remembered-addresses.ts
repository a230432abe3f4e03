/**
 * Where members were reached last, kept over restarts: a node whose bootstrap addresses are all dead finds the mesh by
 * any member that it knew. Only addresses of members that proved their identity on a connection are kept.
 */
import type { Address, Connection, Libp2p } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import type { Multiaddr } from '@multiformats/multiaddr';
import { isPosterError } from '../../domain/errors.ts';
import { type NodeId, nodeId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Log } from '../../ports/log.ts';
import { parseAddress, peerOf, withoutPeer } from './addresses.ts';
import type { Membership } from './membership.ts';

/** Multiaddrs with `/p2p/ID`, as they were written last. */
export interface AddressFile {
	read(): Promise<readonly string[]>;
	write(addresses: readonly string[]): Promise<void>;
}

export interface RememberedAddressesComponents {
	readonly node: Libp2p;
	readonly membership: Membership;
	readonly file: AddressFile | undefined;
	readonly log: Log;
}

export class RememberedAddresses {
	readonly #components: RememberedAddressesComponents;
	/** Members only when written, and so many as a roster has. */
	readonly #known = new Map<NodeId, readonly Multiaddr[]>();
	#written = '';
	#busy = false;

	constructor(components: RememberedAddressesComponents) {
		this.#components = components;
	}

	/** What cannot be read is left out: without it a node still has its bootstrap addresses. */
	async load(): Promise<void> {
		const { log } = this.#components;
		for (const text of await this.#read()) {
			try {
				const address = parseAddress(text);
				const id = peerOf(address);
				if (id !== undefined) this.#known.set(id, bounded([...this.of(id), withoutPeer(address)]));
			} catch (error) {
				if (!isPosterError(error)) throw error;
				log.warn({ text, err: error }, 'a remembered address is left out');
			}
		}
		this.#written = this.#lines().join('\n');
	}

	async #read(): Promise<readonly string[]> {
		try {
			return (await this.#components.file?.read()) ?? [];
		} catch (error) {
			if (!isPosterError(error)) throw error;
			this.#components.log.warn({ err: error }, 'the remembered addresses cannot be read');
			return [];
		}
	}

	of(id: NodeId): readonly Multiaddr[] {
		return this.#known.get(id) ?? [];
	}

	/** Takes down where the connected members are, if that has changed. */
	async update(): Promise<void> {
		const { membership, file, log } = this.#components;
		// Before the roster is known nobody is a member.
		if (file === undefined || this.#busy || membership.size === 0) return;
		this.#busy = true;
		try {
			await this.#takeDown();
			const lines = this.#lines();
			const text = lines.join('\n');
			if (text === this.#written) return;
			await file.write(lines);
			this.#written = text;
		} catch (error) {
			if (!isPosterError(error)) throw error;
			log.warn({ err: error }, 'addresses of members cannot be remembered');
		} finally {
			this.#busy = false;
		}
	}

	async #takeDown(): Promise<void> {
		const { node, membership } = this.#components;
		for (const peer of node.getPeers()) {
			const addresses = await this.#addressesOf(nodeId(peer.toString()));
			if (addresses.length > 0) this.#known.set(nodeId(peer.toString()), addresses);
		}
		for (const id of this.#known.keys()) if (!membership.has(id)) this.#known.delete(id);
	}

	/** Those that this node itself dialled with success go first, then what the member signed. */
	async #addressesOf(id: NodeId): Promise<readonly Multiaddr[]> {
		const { node } = this.#components;
		const peer = peerIdFromString(id);
		const dialled = node.getConnections(peer).filter(isDialled);
		const stored = (await node.peerStore.has(peer)) ? (await node.peerStore.get(peer)).addresses : [];
		const signedFirst = stored.toSorted((a: Address, b: Address) => Number(b.isCertified) - Number(a.isCertified));
		return bounded([...dialled.map(({ remoteAddr }) => remoteAddr), ...signedFirst.map(({ multiaddr }) => multiaddr)]);
	}

	#lines(): readonly string[] {
		const ids = [...this.#known.keys()].sort();
		return ids.flatMap((id) => this.of(id).map((address) => `${address.toString()}/p2p/${id}`));
	}
}

const isDialled = ({ direction, status }: Connection): boolean => direction === 'outbound' && status === 'open';

function bounded(addresses: readonly Multiaddr[]): readonly Multiaddr[] {
	const unique = new Map(addresses.map(withoutPeer).map((address) => [address.toString(), address]));
	return [...unique.values()].slice(0, limits.rememberedAddresses);
}
