/** Tokens of the API: JWT, HS256, with the permissions in `Allow`, as Lotus makes them. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { RpcError } from '../rpc-error.ts';
import { PERMISSIONS, type Permission } from './method.ts';

const HEADER = encode({ alg: 'HS256', typ: 'JWT' });
/** A token of all permissions takes about 140 characters. */
const TOKEN_LENGTH_MAX = 1024;

export class Tokens {
	/** Not from the seed of the chain: who knows that one shall not be able to make tokens. */
	readonly #secret = randomBytes(32);

	/** Token of one permission and those below it. */
	upTo(permission: Permission): string {
		return this.make(PERMISSIONS.slice(0, PERMISSIONS.indexOf(permission) + 1));
	}

	make(permissions: readonly string[]): string {
		const signed = `${HEADER}.${encode({ Allow: permissions })}`;
		return `${signed}.${this.#sign(signed).toString('base64url')}`;
	}

	/** Permissions of a token; undefined when it is not one of ours. */
	verify(token: string): readonly string[] | undefined {
		const [header, payload, signature, ...rest] = token.length > TOKEN_LENGTH_MAX ? [] : token.split('.');
		if (header !== HEADER || payload === undefined || signature === undefined || rest.length > 0) return undefined;
		const given = Buffer.from(signature, 'base64url');
		const expected = this.#sign(`${header}.${payload}`);
		if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
		// Only this class signs, so the payload is what `make` wrote.
		return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { Allow: readonly string[] }).Allow;
	}

	#sign(text: string): Buffer {
		return createHmac('sha256', this.#secret).update(text).digest();
	}
}

/** Permissions asked of AuthNew. */
export function checkedPermissions(asked: readonly string[]): readonly string[] {
	for (const name of asked) {
		if (!(PERMISSIONS as readonly string[]).includes(name))
			throw new RpcError(`unknown permission ${JSON.stringify(name)}`);
	}
	return asked;
}

function encode(value: object): string {
	return Buffer.from(JSON.stringify(value)).toString('base64url');
}
