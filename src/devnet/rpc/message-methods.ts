/** Methods about messages: gas, signing, the pool, where they landed. */
import { cidToJson, tipSetKeyToJson } from '../../codec/lotus-json.ts';
import { messageCid } from '../../codec/message.ts';
import type { CidText } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import type { Message, SignedMessage } from '../../domain/message.ts';
import { resolve } from '../actor/apply.ts';
import { BLOCK_GAS_LIMIT } from '../chain/base-fee.ts';
import type { FullNode } from '../full-node.ts';
import { estimateFeeCap, estimateGas, GAS_PREMIUM, tryNext } from '../pool/estimate.ts';
import { type Lookup, searchMessage } from '../pool/lookup.ts';
import { RpcError, wrapped } from '../rpc-error.ts';
import { findActor, loadTipSet } from './load.ts';
import { type Caller, type MethodTable, method } from './method.ts';
import {
	address,
	boolean,
	chainEpoch,
	cid,
	int64,
	message,
	type SendSpec,
	sendSpec,
	signedMessage,
	tipSetKey,
	uint64,
} from './params.ts';
import { namedMessageToJson, namedSignedToJson, receiptToJson } from './to-json.ts';

export function messageMethods(node: FullNode): MethodTable {
	return { ...gasMethods(node), ...poolMethods(node), ...lookupMethods(node), ...walletMethods(node) };
}

function gasMethods(node: FullNode): MethodTable {
	return {
		GasEstimateMessageGas: method('read', [message, sendSpec, tipSetKey], async ([wanted, spec, key]) =>
			namedMessageToJson(await estimateGas(node, wanted, spec.maxFee, loadTipSet(node, key))),
		),
		GasEstimateFeeCap: method('read', [message, int64, tipSetKey], ([wanted, tipSets]) =>
			estimateFeeCap(node, wanted, Math.min(Math.max(tipSets, 0), 100)).toString(),
		),
		GasEstimateGasPremium: method('read', [uint64, address, int64, tipSetKey], () => GAS_PREMIUM.toString()),
		StateCall: method('read', [message, tipSetKey], ([wanted, key]) => call(node, wanted, key)),
	};
}

function poolMethods(node: FullNode): MethodTable {
	const requests = new Map<string, Promise<SignedMessage>>();
	/** One after another, so that each takes the nonce after the one before it. */
	let turn: Promise<unknown> = Promise.resolve();
	const inTurn = (wanted: Message, spec: SendSpec): Promise<SignedMessage> => {
		const pushed = turn.then(() => pushMessage(node, wanted, spec));
		turn = pushed.catch(() => undefined);
		return pushed;
	};
	return {
		MpoolPending: method('read', [tipSetKey], ([key]) => {
			loadTipSet(node, key);
			return node.pool.pending().map(({ signed }) => namedSignedToJson(signed));
		}),
		MpoolGetNonce: method('read', [address], ([sender]) => {
			const account = resolve(node.chain.head.after, sender);
			if (account === undefined) throw new RpcError(`resolution lookup failed (${sender}): actor not found`);
			return node.pool.nextNonce(account);
		}),
		MpoolPush: method('write', [signedMessage], async ([signed]) => cidToJson(await node.push(signed))),
		MpoolPushMessage: method('sign', [message, sendSpec], async ([wanted, spec]) => {
			// A repeated request id answers the first message, also while that is still being made.
			const earlier = spec.uuid === '' ? undefined : requests.get(spec.uuid);
			const pushed = earlier ?? inTurn(wanted, spec);
			if (spec.uuid !== '' && earlier === undefined) remember(requests, spec.uuid, pushed);
			return namedSignedToJson(await pushed);
		}),
	};
}

function remember(requests: Map<string, Promise<SignedMessage>>, uuid: string, pushed: Promise<SignedMessage>): void {
	requests.set(uuid, pushed);
	// A request that failed may be made again; its own caller hears of the failure.
	pushed.catch(() => requests.delete(uuid));
	const [oldest] = requests.keys();
	if (requests.size > limits.devnetRequestIds && oldest !== undefined) requests.delete(oldest);
}

async function pushMessage(node: FullNode, wanted: Message, spec: SendSpec): Promise<SignedMessage> {
	if (wanted.nonce !== 0) {
		throw new RpcError(`MpoolPushMessage expects message nonce to be 0, was ${wanted.nonce}`);
	}
	const from = resolve(node.chain.head.after, wanted.from)?.key ?? wanted.from;
	let filled: Message;
	try {
		filled = await estimateGas(node, { ...wanted, from }, spec.maxFee, node.chain.head);
	} catch (error) {
		throw wrapped('GasEstimateMessageGas error', error);
	}
	const account = resolve(node.chain.head.after, from);
	if (account === undefined) throw new RpcError(`resolution lookup failed (${from}): actor not found`);
	const signed = node.sign(from, { ...filled, nonce: node.pool.nextNonce(account) });
	try {
		await node.push(signed);
	} catch (error) {
		throw wrapped('mpool push', error);
	}
	return signed;
}

function lookupMethods(node: FullNode): MethodTable {
	return {
		StateSearchMsg: method('read', [tipSetKey, cid, chainEpoch, boolean], ([key, wanted, limit, allowReplaced]) => {
			const known = knownMessage(node, wanted);
			const found = searchMessage(loadTipSet(node, key), known, wanted, { limit, allowReplaced });
			return found === undefined ? null : lookupToJson(found);
		}),
		StateWaitMsg: method(
			'read',
			[cid, uint64, chainEpoch, boolean],
			async ([wanted, confidence, limit, allowReplaced], caller) => {
				const known = knownMessage(node, wanted);
				return lookupToJson(await waitMessage(node, known, wanted, { confidence, limit, allowReplaced }, caller));
			},
		),
	};
}

/** Resolves when the message has landed and the chain has grown by `confidence` epochs on it; ends with the caller. */
function waitMessage(
	node: FullNode,
	known: SignedMessage,
	wanted: CidText,
	options: { readonly confidence: number; readonly limit: number; readonly allowReplaced: boolean },
	{ signal }: Caller,
): Promise<Lookup> {
	const { promise, resolve: found, reject } = Promise.withResolvers<Lookup>();
	const look = (): void => {
		const { head } = node.chain;
		const lookup = searchMessage(head, known, wanted, options);
		if (lookup !== undefined && head.height >= lookup.tipSet.height + options.confidence) found(lookup);
	};
	const stop = node.onHeads(look);
	const gone = (): void => reject(new RpcError('the caller has gone'));
	signal.addEventListener('abort', gone, { once: true });
	if (signal.aborted) gone();
	look();
	return promise.finally(() => {
		stop();
		signal.removeEventListener('abort', gone);
	});
}

function walletMethods(node: FullNode): MethodTable {
	return {
		WalletHas: method('write', [address], ([wanted]) => node.holdsKey(wanted)),
		WalletBalance: method('read', [address], ([wanted]) => {
			const actor = findActor(node.chain.head, wanted);
			if (actor === undefined) return '0';
			return (actor.kind === 'miner' ? actor.miner.balance : actor.account.balance).toString();
		}),
		WalletSignMessage: method('sign', [address, message], ([signer, wanted]) =>
			namedSignedToJson(node.sign(signer, wanted)),
		),
	};
}

async function call(node: FullNode, wanted: Message, key: readonly CidText[]): Promise<object> {
	const at = loadTipSet(node, key);
	const applied = await tryNext(node, wanted, at, at.before);
	const nonce = resolve(at.before, wanted.from)?.nonce ?? 0;
	const tried = { ...wanted, nonce };
	const msgCid = cidToJson(messageCid(tried));
	const none = '0';
	return {
		MsgCid: msgCid,
		Msg: { ...namedMessageToJson(tried), GasLimit: BLOCK_GAS_LIMIT, CID: msgCid },
		MsgRct: receiptToJson(applied.receipt),
		GasCost: {
			Message: null,
			GasUsed: none,
			BaseFeeBurn: none,
			OverEstimationBurn: none,
			MinerPenalty: none,
			MinerTip: none,
			Refund: none,
			TotalCost: none,
		},
		ExecutionTrace: null,
		Error: applied.error ?? '',
		Duration: 0,
	};
}

function knownMessage(node: FullNode, wanted: CidText): SignedMessage {
	const known = node.pool.known(wanted);
	if (known !== undefined) return known;
	throw new RpcError(`%!w(*errors.errorString=&{failed to load message}): ipld: could not find ${wanted}`);
}

function lookupToJson({ cid: landed, receipt, tipSet }: Lookup): object {
	return {
		Message: cidToJson(landed),
		Receipt: receiptToJson(receipt),
		ReturnDec: null,
		TipSet: tipSetKeyToJson(tipSet.key),
		Height: tipSet.height,
	};
}
