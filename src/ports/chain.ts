import type { Bitfield } from '../domain/bitfield.ts';
import type {
	ActorState,
	DeadlineInfo,
	DeadlineState,
	HeadChange,
	MessageLookup,
	MinerInfo,
	PartitionState,
	SectorOnChain,
	TipSet,
	TipSetKey,
} from '../domain/chain.ts';
import type { ActorId, AttoFil, CidText, DeadlineIndex, Epoch, Hex32 } from '../domain/ids.ts';
import type { Message, SignedMessage } from '../domain/message.ts';

/**
 * A full node. Every rejection is a PosterError: `chain-unreachable`, `chain-timeout`, `chain-permission`,
 * `chain-rpc` (meta.rpcCode, the node's own text), `chain-bad-answer`, `chain-network` (another network's). All state is read at an explicit tipset.
 */
export interface Chain {
	version(): Promise<{ readonly version: string; readonly apiVersion: number; readonly blockDelaySeconds: number }>;
	networkName(): Promise<string>;
	networkVersion(at: TipSetKey): Promise<number>;
	/** Those that every full node which answers gives to the token it is configured with. */
	permissions(): Promise<readonly string[]>;
	head(): Promise<TipSet>;
	/** Head changes, re-subscribed for ever until the signal aborts; the first item of each subscription is `current`. */
	heads(signal: AbortSignal): AsyncIterable<readonly HeadChange[]>;
	tipSetByHeight(height: Epoch, at: TipSetKey): Promise<TipSet>;
	tipSetAfterHeight(height: Epoch, at: TipSetKey): Promise<TipSet>;
	provingDeadline(miner: ActorId, at: TipSetKey): Promise<DeadlineInfo>;
	deadlines(miner: ActorId, at: TipSetKey): Promise<readonly DeadlineState[]>;
	partitions(miner: ActorId, deadline: DeadlineIndex, at: TipSetKey): Promise<readonly PartitionState[]>;
	sectors(miner: ActorId, numbers: Bitfield, at: TipSetKey): Promise<readonly SectorOnChain[]>;
	minerInfo(miner: ActorId, at: TipSetKey): Promise<MinerInfo>;
	actor(address: string, at: TipSetKey): Promise<ActorState>;
	accountKey(address: string, at: TipSetKey): Promise<string>;
	lookupId(address: string, at: TipSetKey): Promise<string>;
	/** WindowPoSt challenge randomness of the miner, byte 31 masked. */
	postRandomness(miner: ActorId, challenge: Epoch, at: TipSetKey): Promise<Hex32>;
	/** PoStChainCommit randomness from tickets. */
	commitRandomness(commitEpoch: Epoch, at: TipSetKey): Promise<Hex32>;
	/** The message with gas limit, fee cap and premium filled in; rejects `chain-rpc` when the call would fail. */
	estimateGas(message: Message, maxFee: AttoFil, at: TipSetKey): Promise<Message>;
	/** Signed messages of these senders (key addresses) that wait in the node's pool, in no order. */
	pending(senders: readonly string[]): Promise<readonly SignedMessage[]>;
	/** Idempotent: a message that the pool has already is taken. */
	push(signed: SignedMessage): Promise<CidText>;
	/** Undefined while it is on no chain of `at`, also when another message with its nonce is. */
	searchMessage(cid: CidText, at: TipSetKey, lookback: number): Promise<MessageLookup | undefined>;
	walletHas(address: string): Promise<boolean>;
	walletSignMessage(message: Message): Promise<SignedMessage>;
	close(): Promise<void>;
}
