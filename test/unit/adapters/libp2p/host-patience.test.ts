import assert from 'node:assert/strict';
import { test } from 'node:test';
import { multiaddr } from '@multiformats/multiaddr';
import { HostPatience, RefusedHosts } from '../../../../src/adapters/libp2p/host-patience.ts';
import { monoMs } from '../../../../src/domain/ids.ts';
import { limits } from '../../../../src/domain/limits.ts';
import { systemClock } from '../../../support/system-clock.ts';

const { burst, perSecond } = limits.refusedPerHost;
const name = (host: number): string => `10.0.${host >> 8}.${host & 255}`;
const address = (host: number, port: number) => multiaddr(`/ip4/${name(host)}/tcp/${port}`);

function setup() {
	let now = 0;
	const hosts = new HostPatience({ ...systemClock, now: () => monoMs(now) });
	const pass = (ms: number): void => {
		now += ms;
	};
	return { hosts, pass };
}

test('a host whose handshakes are for nothing is not listened to for a while, whatever its port', () => {
	const { hosts, pass } = setup();
	for (let port = 1; port <= burst; port += 1) {
		assert.equal(hosts.hasPatience(name(1)), true);
		hosts.refused(address(1, port));
	}
	assert.equal(hosts.hasPatience(name(1)), false);
	assert.equal(hosts.hasPatience(name(2)), true);
	pass(1000 / perSecond);
	assert.equal(hosts.hasPatience(name(1)), true);
});

test('hosts beyond the bound push the oldest out, not the one that goes on', () => {
	const { hosts } = setup();
	for (let i = 0; i < burst; i += 1) hosts.refused(address(0, 1));
	for (let host = 1; host <= limits.refusedHosts * 2; host += 1) {
		hosts.refused(address(host, 1));
		hosts.refused(address(0, 1));
	}
	assert.equal(hosts.hasPatience(name(0)), false);
});

test('an address is known in the form that a socket of both families tells', () => {
	const asked: string[] = [];
	const list = new RefusedHosts((host) => asked.push(host) > 2);
	assert.deepEqual(
		['10.0.0.1', '::ffff:10.0.0.1', 'fe80::1'].map((host) => list.check(host)),
		[false, false, true],
	);
	assert.deepEqual(asked, ['10.0.0.1', '10.0.0.1', 'fe80::1']);
});
