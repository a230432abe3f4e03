/**
 * Gas of a message that is not yet sent. The call runs at the head's epoch, on the head's messages and the sender's
 * pending ones: a doomed one is refused here. Sources: Lotus `node/impl/full/gas.go`, `chain/stmgr/call.go`.
 */
import { type AttoFil, attoFil } from '../../domain/ids.ts';
import type { Message } from '../../domain/message.ts';
import { type Applied, resolve } from '../actor/apply.ts';
import { lesser } from '../actor/monies.ts';
import type { World } from '../actor/state.ts';
import type { TipSetNode } from '../chain/tipset.ts';
import type { FullNode } from '../full-node.ts';
import { RpcError, rpcCode } from '../rpc-error.ts';

/** Premium of an empty chain, attoFIL per gas (Lotus `MinGasPremium`); the real node adds noise. */
export const GAS_PREMIUM = attoFil(100_000n);
/** Gas used is scaled up, since state may change until the message runs (Lotus `GasLimitOverestimation`). */
const OVERESTIMATION = 1.25;
/** Lotus `DefaultDefaultMaxFee`: 0.07 FIL. */
const DEFAULT_MAX_FEE = 7n * 10n ** 16n;
/** The fee cap allows for this many full tipsets in a row, each raising the base fee by an eighth. */
const QUEUED_TIPSETS = 20;

/** The message with limit, fee cap and premium filled in, those given kept; throws `RpcError`. */
export async function estimateGas(node: FullNode, message: Message, maxFee: bigint, at: TipSetNode): Promise<Message> {
	const gasLimit = message.gasLimit > 0 ? message.gasLimit : await estimateLimit(node, message, at);
	const gasPremium = message.gasPremium > 0n ? message.gasPremium : GAS_PREMIUM;
	const filled = { ...message, gasLimit, gasPremium };
	const gasFeeCap = message.gasFeeCap > 0n ? message.gasFeeCap : estimateFeeCap(node, filled, QUEUED_TIPSETS);
	return capped({ ...filled, gasFeeCap }, maxFee > 0n ? maxFee : DEFAULT_MAX_FEE);
}

/** Base fee after `tipSets` full tipsets, and the premium. */
export function estimateFeeCap(node: FullNode, message: Message, tipSets: number): AttoFil {
	let baseFee = node.chain.head.header.parentBaseFee;
	for (let i = 0; i < tipSets; i++) baseFee += baseFee / 8n;
	return attoFil(baseFee + message.gasPremium);
}

/** Runs the message as the next of its sender; the state it ran on is gone afterwards. */
export async function tryNext(node: FullNode, message: Message, at: TipSetNode, world: World): Promise<Applied> {
	const account = resolve(world, message.from);
	if (account === undefined) {
		throw new RpcError(`CallWithGas failed: sender ${message.from} not found on chain: sender validation failed`);
	}
	return node.chain.try(at, world, { ...message, nonce: account.nonce });
}

async function estimateLimit(node: FullNode, message: Message, at: TipSetNode): Promise<number> {
	const world = await withPending(node, message.from, at);
	let applied: Applied;
	try {
		applied = await tryNext(node, message, at, world);
	} catch (error) {
		throw error instanceof RpcError ? new RpcError(`gas estimation failed: ${error.message}`) : error;
	}
	if (applied.error !== undefined) throw new RpcError(applied.error, rpcCode.executionReverted, '0x');
	return Math.floor(applied.receipt.gasUsed * OVERESTIMATION);
}

/** State after the tipset's messages and then the sender's pending ones, as far as their nonces follow. */
async function withPending(node: FullNode, sender: string, at: TipSetNode): Promise<World> {
	let world = at.executedWorld;
	const account = resolve(world, sender);
	if (account === undefined) return world;
	let { nonce } = account;
	for (const { signed } of node.pool.pending(account.key)) {
		if (signed.message.nonce < nonce) continue;
		if (signed.message.nonce > nonce) break;
		world = (await node.chain.try(at, world, signed.message)).world;
		nonce++;
	}
	return world;
}

function capped(message: Message, maxFee: bigint): Message {
	const limit = BigInt(message.gasLimit);
	if (message.gasFeeCap * limit <= maxFee) return message;
	const gasFeeCap = attoFil(maxFee / limit);
	return { ...message, gasFeeCap, gasPremium: attoFil(lesser(message.gasPremium, gasFeeCap)) };
}
