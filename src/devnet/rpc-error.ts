/** An error that goes back to the caller of the API with its JSON-RPC code, in the words of Lotus. */

/** go-jsonrpc and Lotus `api/api_errors.go`. */
export const rpcCode = {
	generic: 1,
	executionReverted: 3,
	parse: -32700,
	invalidRequest: -32600,
	methodNotFound: -32601,
	invalidParams: -32602,
} as const;

export class RpcError extends Error {
	override readonly name = 'RpcError';
	readonly code: number;
	readonly data: string | undefined;

	constructor(message: string, code: number = rpcCode.generic, data?: string) {
		super(message);
		this.code = code;
		this.data = data;
	}
}

/** The same error seen through a method that calls another: the text grows, only the generic code is left. */
export function wrapped(prefix: string, error: unknown): unknown {
	return error instanceof RpcError ? new RpcError(`${prefix}: ${error.message}`) : error;
}
