/** Whether an answer is about the message that was asked about: a full node is not trusted to change what is signed. */
import { equalBytes } from '../../codec/cbor.ts';
import type { Message } from '../../domain/message.ts';

/** Equal in everything but gas. */
export function sameCall(a: Message, b: Message): boolean {
	return (
		a.to === b.to &&
		a.from === b.from &&
		a.nonce === b.nonce &&
		a.value === b.value &&
		a.method === b.method &&
		equalBytes(a.params, b.params)
	);
}
