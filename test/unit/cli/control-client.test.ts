import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connectControl, findControl } from '../../../src/cli/control-client.ts';
import { homePaths } from '../../../src/node/home.ts';

/** A home whose control.json names a port where `listener` answers. */
async function home(t: TestContext, listener: RequestListener): Promise<string> {
	const root = await mkdtemp(join(tmpdir(), 'poster-control-client-'));
	const server = createServer(listener).listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.after(async () => {
		server.closeAllConnections();
		server.close();
		await rm(root, { recursive: true });
	});
	const { port } = server.address() as AddressInfo;
	const content = { url: `http://127.0.0.1:${port}`, token: 'aa', pid: 4711 };
	await writeFile(homePaths(root).control, JSON.stringify(content), { mode: 0o600 });
	return root;
}

const others: Readonly<Record<string, RequestListener>> = {
	'a web page': (_, response) => response.end('<html></html>'),
	'a page that is not there': (_, response) => response.writeHead(404).end('not found'),
	'an error of another program': (_, response) => response.writeHead(401).end('{"message":"who are you"}'),
	'JSON of another program': (_, response) => response.end('{"pid":"12"}'),
	'another node': (_, response) => response.end('{"pid":4712}'),
	'the node of another home': (_, response) =>
		response.writeHead(401).end('{"error":{"code":"control-token","message":"the token is wrong","advice":null}}'),
	'half an answer': (_, response) => {
		response.writeHead(200, { 'content-length': '100' });
		response.write('{');
		response.destroy();
	},
};

for (const [what, listener] of Object.entries(others)) {
	test(`${what} at the address of a node that was killed is no node`, async (t) => {
		const root = await home(t, listener);
		assert.equal(await findControl(root), undefined);
		await assert.rejects(connectControl(root), { code: 'node-not-running' });
	});
}

test('the node that wrote the file is found, and its refusals are told as it tells them', async (t) => {
	const root = await home(t, (request, response) => {
		if (request.url === '/status') response.end('{"pid":4711}');
		else response.writeHead(409).end('{"error":{"code":"compute-no-chain","message":"no","advice":"a node"}}');
	});
	const node = await connectControl(root);
	await assert.rejects(node.get('/compute/1'), { code: 'compute-no-chain', message: 'no', advice: 'a node' });
});
