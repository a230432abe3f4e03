/**
 * The embedded full node behind its API: chain, message pool and keys, with every change of the head going through one
 * queue. Subscribers hear of head changes in the order in which they happened.
 */
import { parseAddress } from '../codec/address.ts';
import { messageCid, signingBytes } from '../codec/message.ts';
import type { CidText } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { SignedMessage } from '../domain/message.ts';
import type { Log } from '../ports/log.ts';
import type { Verifier } from '../ports/verifier.ts';
import { resolve, resolveId } from './actor/apply.ts';
import type { Account, World } from './actor/state.ts';
import { Chain, type ChainOptions } from './chain/chain.ts';
import type { TipSetNode } from './chain/tipset.ts';
import { type Key, signMessage } from './keys.ts';
import { MessagePool } from './pool/pool.ts';
import { selectMessages } from './pool/select.ts';
import { RpcError } from './rpc-error.ts';
import { Statistics } from './statistics.ts';

export interface HeadEvent {
	readonly type: 'apply' | 'revert';
	readonly node: TipSetNode;
}

export type HeadListener = (events: readonly HeadEvent[]) => void;

export interface FullNodeOptions extends Omit<ChainOptions, 'verify'> {
	readonly networkName: string;
	readonly keys: readonly Key[];
}

export class FullNode {
	readonly chain: Chain;
	readonly pool = new MessagePool();
	readonly statistics = new Statistics();
	readonly options: FullNodeOptions;
	readonly #verifier: Verifier;
	readonly #log: Log;
	readonly #keys: ReadonlyMap<string, Key>;
	readonly #listeners = new Set<HeadListener>();
	/** Head changes in progress; the next one starts when it is through. */
	#turn: Promise<unknown> = Promise.resolve();

	constructor(ports: { readonly verifier: Verifier; readonly log: Log }, options: FullNodeOptions) {
		this.#verifier = ports.verifier;
		this.#log = ports.log;
		this.options = options;
		this.#keys = new Map(options.keys.map((key) => [key.address, key]));
		this.chain = new Chain({ ...options, verify: (statement, proof) => ports.verifier.verifyPost(statement, proof) });
	}

	/** Calls the listener with every head change from now on; the returned function ends that. */
	onHeads(listener: HeadListener): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	/** Makes one tipset after `nulls` null rounds, with the messages that may be included. */
	mine(nulls = 0): Promise<TipSetNode> {
		return this.#inTurn(async () => {
			const { world } = this.chain.worldAfter(this.chain.head, nulls);
			const baseFee = this.chain.baseFeeAfter(this.chain.head);
			const messages = selectMessages(this.pool.pending(), world, baseFee);
			const { node, unjudged } = await this.chain.build(messages, nulls);
			for (const { cid, cause } of unjudged) {
				this.#log.error({ error: cause, message: cid }, 'no verdict on a proof: its message waits');
			}
			this.#announce([this.#adopt(node)]);
			return node;
		});
	}

	/**
	 * Reverts `depth` tipsets and puts `apply` others in their place, without messages, as if another miner had won: the
	 * reverted messages are pending again. One head change event.
	 */
	reorg(depth: number, apply: number): Promise<TipSetNode> {
		return this.#inTurn(async () => {
			const events: HeadEvent[] = [];
			for (const node of this.chain.revert(depth)) {
				this.pool.reverted(node);
				events.push({ type: 'revert', node });
			}
			for (let i = 0; i < apply; i++) events.push(this.#adopt((await this.chain.build([], 0)).node));
			if (events.length > 0) this.#announce(events);
			return this.chain.head;
		});
	}

	/** Takes a signed message into the pool; throws `RpcError` with Lotus's words. */
	async push(signed: SignedMessage): Promise<CidText> {
		MessagePool.check(signed);
		if (this.pool.size >= limits.devnetPending) throw new RpcError('message pool is full');
		const account = resolve(this.chain.head.after, signed.message.from);
		if (account === undefined) {
			throw new RpcError(`resolution lookup failed (${signed.message.from}): actor not found`);
		}
		await this.#checkSignature(signed, account);
		return this.pool.add(signed, this.chain.head.after);
	}

	holdsKey(address: string): boolean {
		return this.#keyOf(address) !== undefined;
	}

	sign(signer: string, message: SignedMessage['message']): SignedMessage {
		const key = this.#keyOf(signer);
		if (key === undefined)
			throw new RpcError(`signing message: key for address ${signer} not found: key info not found`);
		return signMessage(key, message);
	}

	#keyOf(address: string): Key | undefined {
		const world: World = this.chain.head.after;
		const key = world.accounts.get(resolveId(world, address) ?? (-1 as never))?.key ?? address;
		return this.#keys.get(key);
	}

	async #checkSignature(signed: SignedMessage, account: Account): Promise<void> {
		const { protocol, payload } = parseAddress(account.key);
		const { signatureType, signature, message } = signed;
		const fits = (signatureType === 1 && protocol === 1) || (signatureType === 2 && protocol === 3);
		const bytes = signingBytes(message);
		const verdict = fits
			? await this.#verifier.verifySignature(signatureType, payload, bytes, signature)
			: { ok: false, detail: 'signature type does not match the address' };
		if (verdict.ok) return;
		const why =
			fits && signatureType === 2 ? 'bls signature failed to verify' : (verdict.detail ?? 'signature did not match');
		throw new RpcError(
			`signature verification failed: failed to validate signature: invalid signature for message ${messageCid(message)} (type ${signatureType}): ${why}`,
		);
	}

	#adopt(node: TipSetNode): HeadEvent {
		this.statistics.forget(this.chain.adopt(node));
		this.pool.applied(node);
		return { type: 'apply', node };
	}

	#announce(events: readonly HeadEvent[]): void {
		for (const listener of this.#listeners) listener(events);
	}

	#inTurn<T>(change: () => Promise<T>): Promise<T> {
		const turn = this.#turn.then(change);
		// The next change does not care how this one ended; its own caller does.
		this.#turn = turn.catch(() => undefined);
		return turn;
	}
}
