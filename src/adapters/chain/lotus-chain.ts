/**
 * The chain port on the JSON-RPC of a Lotus full node, which Forest and Venus speak as well.
 * State is always read at the tipset that the caller names: the node's own head may have moved between two calls.
 */
import { addressBytes, minerAddress, parseAddress } from '../../codec/address.ts';
import { encodeCbor } from '../../codec/cbor.ts';
import { readBoolean, readInteger, readList, readObject, readString, writeBytes } from '../../codec/json-read.ts';
import * as lotus from '../../codec/lotus-json.ts';
import * as state from '../../codec/lotus-json-state.ts';
import { signedMessageCid } from '../../codec/message.ts';
import { bitfieldToJson } from '../../codec/rle-plus.ts';
import { Bitfield } from '../../domain/bitfield.ts';
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
} from '../../domain/chain.ts';
import { assert, isPosterError, PosterError } from '../../domain/errors.ts';
import type { ActorId, AttoFil, CidText, DeadlineIndex, Epoch, Hex32 } from '../../domain/ids.ts';
import { hex32 } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Message, SignedMessage } from '../../domain/message.ts';
import type { Chain } from '../../ports/chain.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { AnswerReader } from './answer-reader.ts';
import { badAnswer, otherNetwork, rpcError } from './errors.ts';
import { Failover } from './failover.ts';
import { followHeads } from './heads.ts';
import { type EndpointOptions, RpcEndpoint, type RpcRequest } from './rpc-endpoint.ts';
import { sameCall } from './same-call.ts';

/** Said of the very message that is pushed (lotus `messagepool.ErrExistingNonce`): what was asked for is so already. */
const ALREADY_POOLED = 'message with nonce already exists';
/** Domain separation tags of randomness (go-state-types `crypto/randomness.go`). */
const WINDOWED_POST_CHALLENGE_SEED = 4;
const POST_CHAIN_COMMIT = 9;

const NETWORK_NAME: RpcRequest<string> = {
	method: 'StateNetworkName',
	params: [],
	read: (result) => readString(result, 'network name'),
};

export interface LotusChainComponents {
	readonly clock: Clock;
	readonly log: Log;
	readonly metrics: Metrics;
}

export interface LotusChainOptions {
	/** In order of preference; the later ones are used while the earlier cannot be reached. */
	readonly endpoints: readonly EndpointOptions[];
	/** What StateNetworkName must say: a full node of another network is not used. Undefined: any network. */
	readonly network?: string;
	/** Longest time for one call. A node under load takes seconds for the sectors of a large partition. */
	readonly timeoutMs?: number;
}

export class LotusChain implements Chain {
	readonly #components: LotusChainComponents;
	readonly #failover: Failover;
	/** Of another network, and told so once: each call asks them again while no other full node answers. */
	readonly #refused = new Set<RpcEndpoint>();
	readonly #reader = new AnswerReader();
	readonly #closing = new AbortController();

	constructor(
		components: LotusChainComponents,
		{ endpoints, network, timeoutMs = limits.chainCallMs }: LotusChainOptions,
	) {
		const { clock, metrics } = components;
		this.#components = components;
		this.#failover = new Failover(
			endpoints.map((endpoint) => new RpcEndpoint({ clock, metrics, reader: this.#reader }, endpoint, timeoutMs)),
			(endpoint) => this.#check(endpoint, network),
		);
	}

	/**
	 * Checks every full node; those that do not answer are checked before their first use. Rejects `chain-network` and
	 * what else an answer says, or the first one's error when none answers.
	 */
	admit(): Promise<void> {
		return this.#failover.admitAll();
	}

	async close(): Promise<void> {
		this.#closing.abort(new PosterError('chain-unreachable', 'the connection to the full node is closed'));
		await this.#reader.close();
	}

	version(): Promise<{ version: string; apiVersion: number; blockDelaySeconds: number }> {
		return this.#call('Version', [], (result) => {
			const { Version, APIVersion, BlockDelay } = readObject(result, 'version');
			return {
				version: readString(Version, 'version.Version'),
				apiVersion: readInteger(APIVersion, 'version.APIVersion'),
				blockDelaySeconds: readInteger(BlockDelay, 'version.BlockDelay'),
			};
		});
	}

	networkName(): Promise<string> {
		return this.#failover.call(NETWORK_NAME, this.#closing.signal);
	}

	networkVersion(at: TipSetKey): Promise<number> {
		return this.#call('StateNetworkVersion', [key(at)], (result) => readInteger(result, 'network version'));
	}

	async permissions(): Promise<readonly string[]> {
		const each = await this.#failover.each((endpoint) => this.#permissionsOf(endpoint));
		const [first = [], ...others] = each;
		return first.filter((permission) => others.every((other) => other.includes(permission)));
	}

	head(): Promise<TipSet> {
		return this.#call('ChainHead', [], state.tipSetFromJson);
	}

	heads(signal: AbortSignal): AsyncIterable<readonly HeadChange[]> {
		return followHeads(
			{
				...this.#components,
				failover: this.#failover,
				head: () => this.head(),
				blockDelaySeconds: async () => (await this.version()).blockDelaySeconds,
			},
			AbortSignal.any([signal, this.#closing.signal]),
		);
	}

	tipSetByHeight(height: Epoch, at: TipSetKey): Promise<TipSet> {
		return this.#call('ChainGetTipSetByHeight', [height, key(at)], state.tipSetFromJson);
	}

	tipSetAfterHeight(height: Epoch, at: TipSetKey): Promise<TipSet> {
		return this.#call('ChainGetTipSetAfterHeight', [height, key(at)], state.tipSetFromJson);
	}

	provingDeadline(miner: ActorId, at: TipSetKey): Promise<DeadlineInfo> {
		return this.#call('StateMinerProvingDeadline', [minerAddress(miner), key(at)], state.deadlineInfoFromJson);
	}

	deadlines(miner: ActorId, at: TipSetKey): Promise<readonly DeadlineState[]> {
		return this.#call('StateMinerDeadlines', [minerAddress(miner), key(at)], state.deadlinesFromJson);
	}

	partitions(miner: ActorId, deadline: DeadlineIndex, at: TipSetKey): Promise<readonly PartitionState[]> {
		return this.#call('StateMinerPartitions', [minerAddress(miner), deadline, key(at)], state.partitionsFromJson);
	}

	/** Asks for one partition's worth at a time: the answer holds about 900 bytes of JSON for each sector. */
	async sectors(miner: ActorId, numbers: Bitfield, at: TipSetKey): Promise<readonly SectorOnChain[]> {
		const found: SectorOnChain[] = [];
		for (const asked of chunks(numbers, limits.manifestSectors)) {
			const method = 'StateMinerSectors';
			const params = [minerAddress(miner), bitfieldToJson(asked), key(at)];
			const sectors = await this.#bulk<readonly SectorOnChain[]>({
				method,
				params,
				read: { reader: 'sectors', senders: [] },
			});
			if (!Bitfield.of(sectors.map(({ number }) => number)).equals(asked) || sectors.length !== asked.size) {
				throw badAnswer(method, 'it holds other sectors than were asked for');
			}
			found.push(...sectors);
		}
		return found;
	}

	minerInfo(miner: ActorId, at: TipSetKey): Promise<MinerInfo> {
		return this.#call('StateMinerInfo', [minerAddress(miner), key(at)], state.minerInfoFromJson);
	}

	async actor(address: string, at: TipSetKey): Promise<ActorState> {
		const method = 'StateGetActor';
		// Forest answers null where Lotus answers an error.
		const found = await this.#call(method, [address, key(at)], (result) =>
			result === null ? undefined : state.actorFromJson(result),
		);
		if (found === undefined) throw rpcError(method, { code: 1, message: 'actor not found' });
		return found;
	}

	accountKey(address: string, at: TipSetKey): Promise<string> {
		return this.#call('StateAccountKey', [address, key(at)], (result) => lotus.addressFromJson(result, 'account key'));
	}

	lookupId(address: string, at: TipSetKey): Promise<string> {
		return this.#call('StateLookupID', [address, key(at)], (result) => lotus.addressFromJson(result, 'actor id'));
	}

	async postRandomness(miner: ActorId, challenge: Epoch, at: TipSetKey): Promise<Hex32> {
		const entropy = writeBytes(encodeCbor(addressBytes(parseAddress(minerAddress(miner)))));
		const params = [WINDOWED_POST_CHALLENGE_SEED, challenge, entropy, key(at)];
		const seed = await this.#call('StateGetRandomnessFromBeacon', params, randomness);
		// The two highest bits are dropped so that it is an element of the proof's field.
		const last = Number.parseInt(seed.slice(62), 16) & 0x3f;
		return hex32(seed.slice(0, 62) + last.toString(16).padStart(2, '0'));
	}

	commitRandomness(commitEpoch: Epoch, at: TipSetKey): Promise<Hex32> {
		const params = [POST_CHAIN_COMMIT, commitEpoch, null, key(at)];
		return this.#call('StateGetRandomnessFromTickets', params, randomness);
	}

	async estimateGas(message: Message, maxFee: AttoFil, at: TipSetKey): Promise<Message> {
		const method = 'GasEstimateMessageGas';
		const spec = { MaxFee: maxFee.toString(), MsgUuid: NO_UUID, MaximizeFeeCap: false };
		const params = [lotus.messageToJson(message), spec, key(at)];
		const estimated = await this.#call(method, params, (result) => lotus.messageFromJson(result));
		if (!sameCall(estimated, message)) throw badAnswer(method, 'it is about another message');
		return estimated;
	}

	pending(senders: readonly string[]): Promise<readonly SignedMessage[]> {
		return this.#bulk({ method: 'MpoolPending', params: [null], read: { reader: 'pool', senders } });
	}

	async push(signed: SignedMessage): Promise<CidText> {
		const method = 'MpoolPush';
		const params = [lotus.signedMessageToJson(signed)];
		const cid = await this.#call(method, params, (result) => lotus.cidFromJson(result, 'message CID')).catch(
			(error: unknown) => {
				if (isPosterError(error, 'chain-rpc') && error.message.includes(ALREADY_POOLED))
					return signedMessageCid(signed);
				throw error;
			},
		);
		if (cid !== signedMessageCid(signed))
			throw badAnswer(method, `${cid} is not the CID of the message that was pushed`);
		return cid;
	}

	/** Replacements count: `message` of the answer tells which message landed. */
	async searchMessage(cid: CidText, at: TipSetKey, lookback: number): Promise<MessageLookup | undefined> {
		try {
			const params = [key(at), lotus.cidToJson(cid), lookback, true];
			return await this.#call('StateSearchMsg', params, (result) =>
				result === null ? undefined : state.lookupFromJson(result),
			);
		} catch (error) {
			if (isUnknownMessage(error, cid) || isAnotherMessage(error)) return undefined;
			throw error;
		}
	}

	walletHas(address: string): Promise<boolean> {
		return this.#call('WalletHas', [address], (result) => readBoolean(result, 'WalletHas'));
	}

	walletSignMessage(message: Message): Promise<SignedMessage> {
		const params = [message.from, lotus.messageToJson(message)];
		return this.#call('WalletSignMessage', params, (result) => lotus.signedMessageFromJson(result));
	}

	async #permissionsOf(endpoint: RpcEndpoint): Promise<readonly string[]> {
		// Each node is told its own token only.
		const { token } = endpoint;
		if (token === undefined) return ['read'];
		const read = (result: unknown): readonly string[] =>
			readList(result, 'permissions').map((permission) => readString(permission, 'permission'));
		return endpoint.call({ method: 'AuthVerify', params: [token], read }, this.#closing.signal);
	}

	async #check(endpoint: RpcEndpoint, network: string | undefined): Promise<void> {
		if (network === undefined) return;
		const found = await endpoint.call(NETWORK_NAME, this.#closing.signal);
		if (found === network) return;
		const error = otherNetwork(endpoint.url, found, network);
		if (!this.#refused.has(endpoint)) {
			this.#refused.add(endpoint);
			this.#components.log.error({ error, url: endpoint.url }, 'a full node of another network is not used');
		}
		throw error;
	}

	#call<T>(method: string, params: readonly unknown[], read: (result: unknown) => T): Promise<T> {
		return this.#failover.call({ method, params, read }, this.#closing.signal);
	}

	#bulk<T>(request: RpcRequest<T>): Promise<T> {
		return this.#failover.call(request, this.#closing.signal);
	}
}

/** Repeating an estimate is meant: the UUID only stops MpoolPushMessage from signing twice. */
const NO_UUID = '00000000-0000-0000-0000-000000000000';

/** An empty key means "your head" to the node, and an error to some of its methods. */
function key(at: TipSetKey): unknown {
	assert(at.length > 0, 'state is read at an explicit tipset');
	return lotus.tipSetKeyToJson(at);
}

function randomness(result: unknown): Hex32 {
	return lotus.hex32FromJson(result, 'randomness');
}

/** Lotus answers an error instead of null for a message that it never saw. */
function isUnknownMessage(error: unknown, cid: CidText): boolean {
	return (
		isPosterError(error, 'chain-rpc') &&
		error.meta['rpcCode'] === 1 &&
		error.message.includes('failed to load message') &&
		error.message.endsWith(`could not find ${cid}`)
	);
}

/** Nor does it answer null where a message with another call holds the nonce (Lotus `chain/stmgr/searchwait.go`). */
function isAnotherMessage(error: unknown): boolean {
	return isPosterError(error, 'chain-rpc') && error.message.includes('found message with equal nonce');
}

function* chunks(numbers: Bitfield, size: number): Generator<Bitfield> {
	let chunk: { start: number; end: number }[] = [];
	let room = size;
	for (const run of numbers.runs) {
		for (let start = run.start; start < run.end; ) {
			const end = Math.min(run.end, start + room);
			chunk.push({ start, end });
			room -= end - start;
			start = end;
			if (room > 0) continue;
			yield Bitfield.ofRuns(chunk);
			chunk = [];
			room = size;
		}
	}
	if (chunk.length > 0) yield Bitfield.ofRuns(chunk);
}
