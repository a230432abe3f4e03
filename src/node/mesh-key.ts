/** The key that all nodes of one mesh share, in the three lines of a libp2p swarm key, as go-libp2p writes it. */
import { PosterError } from '../domain/errors.ts';

const HEAD = '/key/swarm/psk/1.0.0/\n/base16/\n';
const KEY_BYTES = 32;
const HEX = /^[0-9a-f]{64}$/i;

export function encodeMeshKey(key: Uint8Array): string {
	return `${HEAD}${Buffer.from(key).toString('hex')}`;
}

/** 32 bytes. Throws `key-bad`, which names the file but never its content. */
export function decodeMeshKey(content: Uint8Array, path: string): Uint8Array {
	const text = Buffer.from(content).toString('utf8').replaceAll('\r\n', '\n');
	const hex = text.startsWith(HEAD) ? text.slice(HEAD.length).trim() : '';
	if (!HEX.test(hex)) {
		throw new PosterError('key-bad', `${path} is no mesh key`, {
			advice: `It has three lines: /key/swarm/psk/1.0.0/, /base16/ and ${2 * KEY_BYTES} hex digits. Take it from a node of the mesh.`,
			meta: { path },
		});
	}
	return Buffer.from(hex, 'hex');
}
