/**
 * Parameters of calls: decoders for the types of the API, failing in the words of Go's decoders, because clients log
 * them. Null, where a type allows it, is a nil pointer or "the head".
 */
import { normalizeAddress } from '../../codec/address.ts';
import { normalizeCid } from '../../codec/cid.ts';
import { readBytes } from '../../codec/json-read.ts';
import { messageFromJson, signedMessageFromJson } from '../../codec/lotus-json.ts';
import { bitfieldFromJson } from '../../codec/rle-plus.ts';
import type { Bitfield } from '../../domain/bitfield.ts';
import type { TipSetKey } from '../../domain/chain.ts';
import { isPosterError } from '../../domain/errors.ts';
import type { CidText } from '../../domain/ids.ts';
import type { Message, SignedMessage } from '../../domain/message.ts';
import { RpcError, rpcCode } from '../rpc-error.ts';

export interface Decoder<T> {
	/** Type as Go prints it. */
	readonly goType: string;
	/** Throws an Error with Go's words. */
	readonly read: (value: unknown) => T;
}

export type Decoded<D extends readonly Decoder<unknown>[]> = {
	-readonly [K in keyof D]: D[K] extends Decoder<infer T> ? T : never;
};

export function decodeParams(method: string, decoders: readonly Decoder<unknown>[], params: unknown): unknown[] {
	const list = params ?? [];
	if (!Array.isArray(list)) {
		throw new RpcError(
			`unmarshaling param array: json: cannot unmarshal ${goKind(list)} into Go value of type []jsonrpc.param`,
			rpcCode.parse,
		);
	}
	if (list.length !== decoders.length) {
		throw new RpcError(
			`wrong param count (method '${method}'): ${list.length} != ${decoders.length}`,
			rpcCode.invalidParams,
		);
	}
	return decoders.map((decoder, i) => {
		try {
			return decoder.read(list[i]);
		} catch (error) {
			if (!(error instanceof GoError) && !isPosterError(error)) throw error;
			throw new RpcError(
				`unmarshaling params for '${method}' (param: *${decoder.goType}): ${error.message}`,
				rpcCode.parse,
			);
		}
	});
}

class GoError extends Error {
	override readonly name = 'GoError';
}

/** Normalised to the prefix `f`; the empty text is Lotus's undefined address. */
export const address: Decoder<string> = {
	goType: 'address.Address',
	read(value) {
		const text = expectString(value, 'string');
		if (text === '' || text === '<empty>') return '';
		if (!/^[ft]/.test(text)) throw new GoError('unknown address network');
		if (!/^.[0-4]/.test(text)) throw new GoError('unknown address protocol');
		try {
			return normalizeAddress(text);
		} catch (error) {
			if (!isPosterError(error)) throw error;
			throw new GoError(error.message.includes('checksum') ? 'invalid address checksum' : 'invalid address payload');
		}
	},
};

export const cid: Decoder<CidText> = {
	goType: 'cid.Cid',
	read: (value) => readCid(value),
};

/** The empty key is the head. */
export const tipSetKey: Decoder<TipSetKey> = {
	goType: 'types.TipSetKey',
	read(value) {
		if (value === null) return [];
		if (!Array.isArray(value)) throw cannot(value, '[]cid.Cid');
		return value.map(readCid);
	},
};

export const uint64: Decoder<number> = integer('uint64', 0);
export const int64: Decoder<number> = integer('int64', Number.MIN_SAFE_INTEGER);
export const chainEpoch: Decoder<number> = integer('abi.ChainEpoch', Number.MIN_SAFE_INTEGER);

export const boolean: Decoder<boolean> = {
	goType: 'bool',
	read(value) {
		if (typeof value !== 'boolean') throw cannot(value, 'bool');
		return value;
	},
};

export const string: Decoder<string> = { goType: 'string', read: (value) => expectString(value, 'string') };

export const strings: Decoder<readonly string[]> = {
	goType: '[]auth.Permission',
	read(value) {
		if (!Array.isArray(value)) throw cannot(value, '[]auth.Permission');
		return value.map((entry) => expectString(entry, 'auth.Permission'));
	},
};

export const bytes: Decoder<Uint8Array> = { goType: '[]uint8', read: (value) => readBytes(value, 'bytes') };

export const bitfield: Decoder<Bitfield | undefined> = {
	goType: '*bitfield.BitField',
	read: (value) => (value === null ? undefined : bitfieldFromJson(value)),
};

export const message: Decoder<Message> = { goType: '*types.Message', read: (value) => messageFromJson(value) };

export const signedMessage: Decoder<SignedMessage> = {
	goType: '*types.SignedMessage',
	read: (value) => signedMessageFromJson(value),
};

export interface SendSpec {
	/** attoFIL; 0 is the node's default. */
	readonly maxFee: bigint;
	/** Empty when none was given. */
	readonly uuid: string;
}

const NIL_UUID = '00000000-0000-0000-0000-000000000000';

export const sendSpec: Decoder<SendSpec> = {
	goType: '*api.MessageSendSpec',
	read(value) {
		if (value === null) return { maxFee: 0n, uuid: '' };
		if (typeof value !== 'object') throw cannot(value, 'api.MessageSendSpec');
		const { MaxFee = '0', MsgUuid = NIL_UUID } = value as { MaxFee?: unknown; MsgUuid?: unknown };
		const uuid = expectString(MsgUuid, 'string');
		return { maxFee: parseTokens(expectString(MaxFee, 'string')), uuid: uuid === NIL_UUID ? '' : uuid };
	},
};

/** attoFIL, or null. */
export const optionalTokens: Decoder<bigint | undefined> = {
	goType: '*big.Int',
	read: (value) => (value === null ? undefined : parseTokens(expectString(value, 'string'))),
};

function parseTokens(text: string): bigint {
	if (!/^\d{1,80}$/.test(text)) throw new GoError('failed to parse bigint string');
	return BigInt(text);
}

function integer(goType: string, min: number): Decoder<number> {
	return {
		goType,
		read(value) {
			if (typeof value !== 'number') throw cannot(value, goType);
			if (!Number.isSafeInteger(value) || value < min) {
				throw new GoError(`json: cannot unmarshal number ${value} into Go value of type ${goType}`);
			}
			return value;
		},
	};
}

function readCid(value: unknown): CidText {
	if (typeof value !== 'object' || value === null) throw cannot(value, 'struct { Cid string "json:\\"/\\"" }');
	const { '/': text } = value as { '/'?: unknown };
	try {
		return normalizeCid(expectString(text, 'string'));
	} catch (error) {
		if (!isPosterError(error)) throw error;
		throw new GoError('invalid cid: invalid cid: selected encoding not supported');
	}
}

function expectString(value: unknown, goType: string): string {
	if (typeof value !== 'string') throw cannot(value, goType);
	return value;
}

function cannot(value: unknown, goType: string): GoError {
	return new GoError(`json: cannot unmarshal ${goKind(value)} into Go value of type ${goType}`);
}

function goKind(value: unknown): string {
	if (Array.isArray(value)) return 'array';
	return typeof value === 'boolean' ? 'bool' : typeof value;
}
