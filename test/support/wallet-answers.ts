/** The wallet methods of a full node that holds the keys of vectors/lotus-keys.ts, for `scriptedNode`. */
import { signingKey } from '../../src/adapters/chain/signing-key.ts';
import { messageFromJson, signedMessageToJson } from '../../src/codec/lotus-json.ts';
import { signingBytes } from '../../src/codec/message.ts';
import type { SignedMessage } from '../../src/domain/message.ts';
import { lotusKeys } from '../vectors/lotus-keys.ts';
import { type NodeAnswer, type NodeRequest, result } from './scripted-node.ts';

const keys = Object.entries(lotusKeys).map(([type, { keyFile }]) => {
	const { PrivateKey } = JSON.parse(Buffer.from(keyFile, 'hex').toString()) as { PrivateKey: string };
	const key = signingKey(type as keyof typeof lotusKeys, Buffer.from(PrivateKey, 'base64'));
	if (key === undefined) throw new Error(`${type} vector is no key`);
	return key;
});

/** `tamper` changes what WalletSignMessage answers. */
export function walletAnswers(tamper: (signed: SignedMessage) => SignedMessage = (signed) => signed) {
	return (request: NodeRequest): NodeAnswer => {
		const key = keys.find(({ address }) => address === request.params[0]);
		if (request.method === 'WalletHas') return result(request, key !== undefined);
		if (key === undefined) {
			// Lotus's words for a key that is not in the wallet.
			const error = { code: 1, message: 'signing using key: key not found' };
			return { body: { error, id: request.id, jsonrpc: '2.0' } };
		}
		const message = messageFromJson(request.params[1]);
		const signed = { message, signatureType: key.signatureType, signature: key.sign(signingBytes(message)) };
		return result(request, signedMessageToJson(tamper(signed)));
	};
}
