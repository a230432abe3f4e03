/** Addresses given on the command line: one without a peer id is of no use, since nodes dial identities. */
import { multiaddr } from '@multiformats/multiaddr';
import { usageError } from './exit.ts';

/** Throws `usage`. */
export function checkDialable(address: string, option: string): void {
	if (namesPeer(address)) return;
	throw usageError(
		`${option} ${address} is no multiaddr with a peer id`,
		'Example: /ip4/192.0.2.1/tcp/4101/p2p/12D3KooW…',
	);
}

function namesPeer(address: string): boolean {
	try {
		return multiaddr(address)
			.getComponents()
			.some(({ name }) => name === 'p2p');
	} catch (error) {
		if (!(error instanceof Error)) throw error;
		return false;
	}
}
