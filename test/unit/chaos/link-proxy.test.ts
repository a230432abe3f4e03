import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { LinkProxy } from '../../chaos/link-proxy.ts';
import { until } from '../../support/until.ts';

/** A client `a` and a server `b`, both of this process, and the proxy between them. */
async function linked(t: TestContext) {
	const proxy = new LinkProxy({ nodes: () => new Map([[process.pid, 'a']]), random: () => 0 });
	const server = createServer({ allowHalfOpen: true });
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const port = await proxy.open('b', (server.address() as AddressInfo).port);
	const accepted = once(server, 'connection') as Promise<[Socket]>;
	const client = connect({ port, host: '127.0.0.1' });
	const [there] = await accepted;
	for (const socket of [client, there]) socket.on('error', () => undefined);
	t.after(() => {
		client.destroy();
		there.destroy();
		server.close();
	});
	return { proxy, client, there };
}

test('a connection whose end is on its way is cut as well, and the proxy closes', {
	skip: process.platform !== 'linux',
	timeout: 30_000,
}, async (t) => {
	const { proxy, client, there } = await linked(t);
	there.write('x');
	await once(client, 'data');
	const unblock = proxy.impair('b', 'a', { blocked: true });
	there.end();
	await once(there, 'finish');
	for (let turns = 0; turns < 10; turns++) await turn();
	// Both in one turn of the event loop: the end is passed on, and not yet told to the system.
	unblock();
	assert.equal(proxy.cut('a', 'b'), 1);
	await until('both ends see it', () => client.closed && there.closed);
	assert.equal(proxy.cut('a', 'b'), 0);
	await proxy.close();
});
