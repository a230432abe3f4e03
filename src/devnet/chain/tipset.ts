/** Tipsets of the embedded chain, one block each, linked to their parents, and how to find one from another. */
import type { TipSet, TipSetKey } from '../../domain/chain.ts';
import { attoFil, type CidText, type Epoch } from '../../domain/ids.ts';
import type { SignedMessage } from '../../domain/message.ts';
import type { Receipt } from '../actor/apply.ts';
import type { ChainEvent } from '../actor/events.ts';
import type { World } from '../actor/state.ts';
import type { BlockHeader } from './block.ts';

export interface Executed {
	readonly signed: SignedMessage;
	readonly cid: CidText;
	readonly receipt: Receipt;
}

export interface TipSetNode {
	readonly cid: CidText;
	readonly key: TipSetKey;
	readonly height: Epoch;
	readonly header: BlockHeader;
	readonly executed: readonly Executed[];
	/** State before this tipset: what the API shows at it. */
	readonly before: World;
	/** After its messages, without the end of its epoch: what gas is estimated on. */
	readonly executedWorld: World;
	readonly after: World;
	readonly events: readonly ChainEvent[];
	/** Cut off when the chain forgets what lies behind. */
	parent: TipSetNode | undefined;
}

/** The tipset at a height on the chain of `from`; after a null round the one behind it, or the one before it. */
export function tipSetAt(from: TipSetNode, height: number, nullRound: 'after' | 'before'): TipSetNode {
	let node = from;
	while (
		node.parent !== undefined &&
		node.height > height &&
		(nullRound === 'before' || node.parent.height >= height)
	) {
		node = node.parent;
	}
	return node;
}

/** From `node` back to genesis, or to where the chain was cut. */
export function* ancestry(node: TipSetNode): Generator<TipSetNode> {
	for (let at: TipSetNode | undefined = node; at !== undefined; at = at.parent) yield at;
}

export function tipSetOf({ key, height, header }: TipSetNode): TipSet {
	return {
		key,
		height,
		parents: header.parents,
		parentBaseFee: attoFil(header.parentBaseFee),
		timestamp: header.timestamp,
	};
}
