/** Methods about tokens. */
import { writeBytes } from '../../codec/json-read.ts';
import { RpcError } from '../rpc-error.ts';
import { type MethodTable, method } from './method.ts';
import { string, strings } from './params.ts';
import { checkedPermissions, type Tokens } from './tokens.ts';

export function authMethods(tokens: Tokens): MethodTable {
	return {
		AuthVerify: method('read', [string], ([token]) => {
			const allowed = tokens.verify(token);
			if (allowed === undefined) throw new RpcError('JWT Verification failed: jwt: verification failed');
			return allowed;
		}),
		AuthNew: method('admin', [strings], ([asked]) =>
			writeBytes(new TextEncoder().encode(tokens.make(checkedPermissions(asked)))),
		),
	};
}
