/**
 * Lotus's JSON of messages and of the scalars in it: CIDs are `{"/": text}`, bytes base64, token amounts decimal
 * strings, a tipset key a list of CIDs. Everything malformed throws `bad-json` with the path to it.
 */
import type { TipSetKey } from '../domain/chain.ts';
import { type AttoFil, attoFil, type CidText, type Hex32, hex32 } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Message, SignedMessage } from '../domain/message.ts';
import { normalizeAddress } from './address.ts';
import { normalizeCid } from './cid.ts';
import { toHex } from './hex.ts';
import {
	badJson,
	type JsonObject,
	readBigInt,
	readBytes,
	readInteger,
	readList,
	readObject,
	readString,
	writeBytes,
} from './json-read.ts';
import { SIGNATURE_BYTES } from './message.ts';

export function cidFromJson(value: unknown, path: string): CidText {
	const { '/': text } = readObject(value, path);
	try {
		return normalizeCid(readString(text, path));
	} catch (cause) {
		throw badJson(path, 'a CID', value, cause);
	}
}

export function cidToJson(cid: CidText): JsonObject {
	return { '/': cid };
}

/** An address with the prefix `f`. */
export function addressFromJson(value: unknown, path: string): string {
	try {
		return normalizeAddress(readString(value, path));
	} catch (cause) {
		throw badJson(path, 'an address', value, cause);
	}
}

export function tokensFromJson(value: unknown, path: string): AttoFil {
	return attoFil(readBigInt(value, path));
}

/** 32 bytes in base64. */
export function hex32FromJson(value: unknown, path: string): Hex32 {
	const bytes = readBytes(value, path);
	if (bytes.length !== 32) throw badJson(path, '32 bytes in base64', value);
	return hex32(toHex(bytes));
}

/** At least one CID: an empty key means "the head", which this project never leaves to the node. */
export function tipSetKeyFromJson(value: unknown, path: string): TipSetKey {
	const cids = readList(value, path);
	if (cids.length === 0 || cids.length > limits.tipSetBlocks) throw badJson(path, 'a tipset key', value);
	return cids.map((cid, i) => cidFromJson(cid, `${path}[${i}]`));
}

export function tipSetKeyToJson(key: TipSetKey): readonly JsonObject[] {
	return key.map(cidToJson);
}

export function messageFromJson(value: unknown, path = 'message'): Message {
	const json = readObject(value, path);
	const { Version, To, From, Nonce, Value, GasLimit, GasFeeCap, GasPremium, Method, Params } = json;
	if (Version !== 0) throw badJson(`${path}.Version`, '0', Version);
	const tokens = (amount: unknown, name: string): AttoFil => {
		const atto = tokensFromJson(amount, `${path}.${name}`);
		if (atto < 0n) throw badJson(`${path}.${name}`, 'not negative', amount);
		return atto;
	};
	return {
		version: 0,
		to: addressFromJson(To, `${path}.To`),
		from: addressFromJson(From, `${path}.From`),
		nonce: readInteger(Nonce, `${path}.Nonce`),
		value: tokens(Value, 'Value'),
		gasLimit: readInteger(GasLimit, `${path}.GasLimit`),
		gasFeeCap: tokens(GasFeeCap, 'GasFeeCap'),
		gasPremium: tokens(GasPremium, 'GasPremium'),
		method: readInteger(Method, `${path}.Method`),
		params: readBytes(Params, `${path}.Params`),
	};
}

export function messageToJson(message: Message): JsonObject {
	return {
		Version: message.version,
		To: message.to,
		From: message.from,
		Nonce: message.nonce,
		Value: message.value.toString(),
		GasLimit: message.gasLimit,
		GasFeeCap: message.gasFeeCap.toString(),
		GasPremium: message.gasPremium.toString(),
		Method: message.method,
		Params: writeBytes(message.params),
	};
}

/**
 * Also takes signatures of types that this project never makes (delegated, 3): the pool of a full node holds
 * everybody's messages. They answer undefined.
 */
export function pooledMessageFromJson(value: unknown, path: string): SignedMessage | undefined {
	const { Type } = readObject(readObject(value, path)['Signature'], `${path}.Signature`);
	return Type === 1 || Type === 2 ? signedMessageFromJson(value, path) : undefined;
}

export function signedMessageFromJson(value: unknown, path = 'signed message'): SignedMessage {
	const { Message, Signature } = readObject(value, path);
	const { Type, Data } = readObject(Signature, `${path}.Signature`);
	if (Type !== 1 && Type !== 2) throw badJson(`${path}.Signature.Type`, '1 or 2', Type);
	const signature = readBytes(Data, `${path}.Signature.Data`);
	if (signature.length !== SIGNATURE_BYTES[Type]) throw badJson(`${path}.Signature.Data`, 'a signature', Data);
	return { message: messageFromJson(Message, `${path}.Message`), signatureType: Type, signature };
}

export function signedMessageToJson({ message, signatureType, signature }: SignedMessage): JsonObject {
	return { Message: messageToJson(message), Signature: { Type: signatureType, Data: writeBytes(signature) } };
}
