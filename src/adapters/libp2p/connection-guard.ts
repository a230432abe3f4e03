/** Refused and failed handshakes are counted, and two processes with one identity are noticed; libp2p only logs them. */
import type { MultiaddrConnection, Upgrader } from '@libp2p/interface';
import type { Metrics } from '../../ports/metrics.ts';
import type { CloneWatch } from './clone-watch.ts';
import type { HostPatience } from './host-patience.ts';

/** The gater refused, and counted it. */
const INTERCEPTED = 'ConnectionInterceptedError';
/** Reason label of a failed handshake by the name of libp2p's error. */
const REASONS: Readonly<Record<string, string | undefined>> = {
	EncryptionFailedError: 'handshake',
	MuxerUnavailableError: 'handshake',
	ConnectionDeniedError: 'overload',
	InvalidPeerIdError: 'own-identity',
	[INTERCEPTED]: undefined,
};

/** Sees what fails between the accepted socket and the finished connection. */
export function watchUpgrades(
	upgrader: Upgrader,
	{ metrics, clones, hosts }: { metrics: Metrics; clones: CloneWatch; hosts: HostPatience },
): void {
	const failed = (error: unknown, direction: 'inbound' | 'outbound'): void => {
		const name = error instanceof Error ? error.name : '';
		const reason = name in REASONS ? REASONS[name] : 'protocol';
		if (reason !== undefined) metrics.count('poster_mesh_refused_total', { reason });
		if (reason === 'own-identity') clones.met(direction);
	};
	const upgradeInbound = upgrader.upgradeInbound.bind(upgrader);
	const upgradeOutbound = upgrader.upgradeOutbound.bind(upgrader);
	upgrader.upgradeInbound = watched(upgradeInbound, (error, { remoteAddr }) => {
		hosts.refused(remoteAddr);
		failed(error, 'inbound');
	});
	upgrader.upgradeOutbound = watched(upgradeOutbound, (error) => failed(error, 'outbound'));
}

function watched<Rest extends unknown[], Result>(
	run: (connection: MultiaddrConnection, ...rest: Rest) => Promise<Result>,
	failed: (error: unknown, connection: MultiaddrConnection) => void,
): (connection: MultiaddrConnection, ...rest: Rest) => Promise<Result> {
	return async (connection, ...rest) => {
		try {
			return await run(connection, ...rest);
		} catch (error) {
			failed(error, connection);
			throw error;
		}
	};
}
