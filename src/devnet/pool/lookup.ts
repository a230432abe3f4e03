/**
 * Where on the chain a message landed. Its effect shows in the tipset after the including one, which is the one that is
 * named. Source: Lotus `chain/stmgr/searchwait.go`.
 */
import type { CidText } from '../../domain/ids.ts';
import type { Message, SignedMessage } from '../../domain/message.ts';
import type { Executed, TipSetNode } from '../chain/tipset.ts';

export interface Lookup {
	/** Another than asked for, when that was replaced. */
	readonly cid: CidText;
	readonly receipt: Executed['receipt'];
	/** The tipset that holds the receipt. */
	readonly tipSet: TipSetNode;
}

/** Searches back from `from` for `limit` epochs, -1 without end. */
export function searchMessage(
	from: TipSetNode,
	wanted: SignedMessage,
	cid: CidText,
	options: { readonly limit: number; readonly allowReplaced: boolean },
): Lookup | undefined {
	for (let at = from; at.parent !== undefined; at = at.parent) {
		if (options.limit >= 0 && at.height <= from.height - options.limit) return undefined;
		for (const executed of at.parent.executed) {
			const same = executed.cid === cid;
			if (same || (options.allowReplaced && replaces(executed.signed.message, wanted.message))) {
				return { cid: executed.cid, receipt: executed.receipt, tipSet: at };
			}
		}
	}
	return undefined;
}

/** The same call by the same sender with the same nonce, only its gas differs. */
function replaces(a: Message, b: Message): boolean {
	return (
		a.nonce === b.nonce &&
		a.from === b.from &&
		a.to === b.to &&
		a.value === b.value &&
		a.method === b.method &&
		Buffer.from(a.params).equals(b.params)
	);
}
