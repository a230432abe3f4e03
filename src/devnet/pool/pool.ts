/**
 * Messages that wait for a tipset, by sender and nonce, gaps allowed. The rules and words of refusal are those of Lotus
 * `chain/messagepool/messagepool.go` for messages that were pushed to the node itself.
 */
import { signedMessageCid } from '../../codec/message.ts';
import type { CidText } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Message, SignedMessage } from '../../domain/message.ts';
import { resolve } from '../actor/apply.ts';
import { storageGas } from '../actor/gas.ts';
import type { Account, World } from '../actor/state.ts';
import { BLOCK_GAS_LIMIT, MINIMUM_BASE_FEE } from '../chain/base-fee.ts';
import type { Pooled } from '../chain/chain.ts';
import type { TipSetNode } from '../chain/tipset.ts';
import { RpcError } from '../rpc-error.ts';

/** Least premium of a replacement, in percent of the one it replaces, plus 1 attoFIL. */
const REPLACE_PERCENT = 110n;
const TOTAL_FILECOIN = 2_000_000_000n * 10n ** 18n;

export class MessagePool {
	readonly #bySender = new Map<string, Map<number, Pooled>>();
	/** Messages that the node has seen, so that it can tell an unknown CID; the oldest are forgotten. */
	readonly #seen = new Map<CidText, SignedMessage>();

	get size(): number {
		let size = 0;
		for (const messages of this.#bySender.values()) size += messages.size;
		return size;
	}

	/** Pending messages of one sender, or of all, in order of nonce. */
	pending(sender?: string): readonly Pooled[] {
		if (sender !== undefined) return byNonce(this.#bySender.get(sender));
		return [...this.#bySender.values()].flatMap(byNonce);
	}

	/** Next nonce without a gap, counting from the nonce of the state. */
	nextNonce(account: Account): number {
		const messages = this.#bySender.get(account.key);
		let { nonce } = account;
		while (messages?.has(nonce) === true) nonce++;
		return nonce;
	}

	known(cid: CidText): SignedMessage | undefined {
		return this.#seen.get(cid);
	}

	/** Checks that need no state; throws `RpcError`. */
	static check({ message }: SignedMessage): void {
		const bytes = message.params.length;
		if (bytes > limits.messageBytes) {
			throw new RpcError(`mpool message too large (${bytes}B): message too big`);
		}
		const leastGas = storageGas(message);
		if (message.gasLimit < leastGas) {
			throw new RpcError(
				`message not valid for block inclusion: 'GasLimit' field cannot be less than the cost of storing a message on chain ${message.gasLimit} < ${leastGas}`,
			);
		}
		if (message.gasLimit > BLOCK_GAS_LIMIT) {
			throw new RpcError(
				"message not valid for block inclusion: 'GasLimit' field cannot be greater than a block's gas limit",
			);
		}
		if (message.gasPremium > message.gasFeeCap) {
			throw new RpcError("message not valid for block inclusion: 'GasFeeCap' less than 'GasPremium'");
		}
		if (message.value > TOTAL_FILECOIN) throw new RpcError('message value too high');
		if (message.gasFeeCap < MINIMUM_BASE_FEE) throw new RpcError('gas fee cap too low');
	}

	/** Takes a checked message whose signature holds, judged by the state after the head; throws `RpcError`. */
	add(signed: SignedMessage, world: World): CidText {
		const { message } = signed;
		const account = resolve(world, message.from);
		if (account === undefined) throw new RpcError(`resolution lookup failed (${message.from}): actor not found`);
		if (message.nonce < account.nonce) {
			throw new RpcError(`minimum expected nonce is ${account.nonce}, got ${message.nonce}: message nonce too low`);
		}
		const messages = this.#bySender.get(account.key) ?? new Map<number, Pooled>();
		const cid = signedMessageCid(signed);
		checkPlace(messages, signed, cid);
		checkFunds(messages, message, account);
		messages.set(message.nonce, { signed, cid });
		this.#bySender.set(account.key, messages);
		this.#remember(cid, signed);
		return cid;
	}

	/** Included messages go, and every other with a nonce that is used up. */
	applied(node: TipSetNode): void {
		for (const { signed } of node.executed) {
			const account = resolve(node.after, signed.message.from) as Account;
			const messages = this.#bySender.get(account.key);
			for (const nonce of messages?.keys() ?? []) if (nonce < account.nonce) messages?.delete(nonce);
			if (messages?.size === 0) this.#bySender.delete(account.key);
		}
	}

	/** Messages of a reverted tipset come back, unless another took their nonce. */
	reverted(node: TipSetNode): void {
		for (const { signed, cid } of node.executed) {
			const { key } = resolve(node.after, signed.message.from) as Account;
			const messages = this.#bySender.get(key) ?? new Map<number, Pooled>();
			if (!messages.has(signed.message.nonce)) messages.set(signed.message.nonce, { signed, cid });
			this.#bySender.set(key, messages);
		}
	}

	/** Forgets a pending message; false when there is none with that CID. */
	drop(cid: CidText): boolean {
		for (const [key, messages] of this.#bySender) {
			for (const [nonce, pooled] of messages) {
				if (pooled.cid !== cid) continue;
				messages.delete(nonce);
				if (messages.size === 0) this.#bySender.delete(key);
				return true;
			}
		}
		return false;
	}

	#remember(cid: CidText, signed: SignedMessage): void {
		this.#seen.set(cid, signed);
		if (this.#seen.size <= limits.devnetSeenMessages) return;
		const [oldest] = this.#seen.keys();
		if (oldest !== undefined) this.#seen.delete(oldest);
	}
}

function byNonce(messages: ReadonlyMap<number, Pooled> | undefined): readonly Pooled[] {
	return [...(messages?.values() ?? [])].sort((a, b) => a.signed.message.nonce - b.signed.message.nonce);
}

function checkPlace(messages: ReadonlyMap<number, Pooled>, { message }: SignedMessage, cid: CidText): void {
	const existing = messages.get(message.nonce);
	const where = `failed to add locked: message from ${message.from} with nonce ${message.nonce} already in mpool`;
	if (existing === undefined) {
		if (messages.size >= limits.devnetPendingPerSender) {
			throw new RpcError('failed to add locked: too many pending messages for actor');
		}
		return;
	}
	if (existing.cid === cid) throw new RpcError(`${where}: message with nonce already exists`);
	const least = (existing.signed.message.gasPremium * REPLACE_PERCENT) / 100n + 1n;
	if (message.gasPremium < least) {
		throw new RpcError(
			`${where}, increase GasPremium to ${least} from ${message.gasPremium} to trigger replace by fee: replace by fee has too low GasPremium`,
		);
	}
}

function checkFunds(messages: ReadonlyMap<number, Pooled>, message: Message, account: Account): void {
	let required = cost(message);
	for (const { signed } of messages.values()) {
		if (signed.message.nonce < message.nonce) required += cost(signed.message);
	}
	if (required > account.balance) {
		throw new RpcError(
			`mpool push: not enough funds including pending messages (required: ${required}, balance: ${account.balance}): not enough funds to execute transaction`,
		);
	}
}

/** Most that a message can take from its sender. */
export function cost({ gasLimit, gasFeeCap, value }: Message): bigint {
	return BigInt(gasLimit) * gasFeeCap + value;
}
