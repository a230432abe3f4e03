/** What a method of the API is: who may call it, what it takes, what it does. */
import type { Decoded, Decoder } from './params.ts';

/** Ordered: each holds those before it in a token made by this node, but every one is checked by name. */
export const PERMISSIONS = ['read', 'write', 'sign', 'admin'] as const;
export type Permission = (typeof PERMISSIONS)[number];

export interface Caller {
	readonly permissions: ReadonlySet<string>;
	/** Aborts when the caller has gone. */
	readonly signal: AbortSignal;
	/** Opens a channel of head changes and answers its id; undefined over HTTP. */
	readonly openChannel?: () => number;
}

export interface RpcMethod {
	readonly permission: Permission;
	readonly params: readonly Decoder<unknown>[];
	readonly call: (caller: Caller, args: readonly unknown[]) => unknown;
}

export type MethodTable = Readonly<Record<string, RpcMethod>>;

export function method<const D extends readonly Decoder<unknown>[]>(
	permission: Permission,
	params: D,
	call: (args: Decoded<D>, caller: Caller) => unknown,
): RpcMethod {
	// `decodeParams` made the arguments with these very decoders.
	return { permission, params, call: (caller, args) => call(args as Decoded<D>, caller) };
}
