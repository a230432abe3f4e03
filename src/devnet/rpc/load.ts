/** Finds what a call is about, a tipset, an actor or a miner, or fails in Lotus's words. */
import type { TipSetKey } from '../../domain/chain.ts';
import { actorId } from '../../domain/ids.ts';
import { resolve, resolveId } from '../actor/apply.ts';
import type { Account, Miner } from '../actor/state.ts';
import type { TipSetNode } from '../chain/tipset.ts';
import type { FullNode } from '../full-node.ts';
import { RpcError } from '../rpc-error.ts';

/** The empty key is the head. */
export function loadTipSet(node: FullNode, key: TipSetKey, prefix = `loading tipset {${key.join(',')}}`): TipSetNode {
	if (key.length === 0) return node.chain.head;
	const found = findTipSet(node, key);
	if (typeof found === 'string') throw new RpcError(prefix === '' ? found : `${prefix}: ${found}`);
	return found;
}

/** For the methods that do not take the empty key for the head. */
export function loadNamedTipSet(node: FullNode, key: TipSetKey, prefix: string): TipSetNode {
	if (key.length === 0) throw new RpcError(`${prefix}: NewTipSet called with zero length array of blocks`);
	return loadTipSet(node, key, prefix);
}

/** Tipsets have one block here, so a longer key names none. */
function findTipSet(node: FullNode, key: TipSetKey): TipSetNode | string {
	for (const cid of key) {
		if (node.chain.byCid(cid) === undefined) return `get block ${cid}: ipld: could not find ${cid}`;
	}
	const [cid] = key;
	const found = key.length === 1 && cid !== undefined ? node.chain.byCid(cid) : undefined;
	return found ?? 'blocks of the tipset have different heights';
}

export function loadMiner(at: TipSetNode, address: string): Miner {
	if (address === '') throw new RpcError('failed to load miner actor: GetActor called on undefined address');
	const id = resolveId(at.before, address);
	const miner = id === undefined ? undefined : at.before.miners.get(id);
	if (miner !== undefined) return miner;
	if (id !== undefined && at.before.accounts.has(id)) {
		throw new RpcError('failed to load miner actor state: actor code is not miner: account');
	}
	throw new RpcError('failed to load miner actor: actor not found');
}

export type LoadedActor =
	| { readonly kind: 'account'; readonly account: Account }
	| { readonly kind: 'miner'; readonly miner: Miner };

export function findActor(at: TipSetNode, address: string): LoadedActor | undefined {
	const miner = at.before.miners.get(resolveId(at.before, address) ?? actorId(-1));
	if (miner !== undefined) return { kind: 'miner', miner };
	const account = resolve(at.before, address);
	return account === undefined ? undefined : { kind: 'account', account };
}
