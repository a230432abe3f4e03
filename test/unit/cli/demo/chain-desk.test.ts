import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import { ChainDesk } from '../../../../src/cli/demo/chain-desk.ts';
import { actorId, deadlineIndex } from '../../../../src/domain/ids.ts';

test('a dispute that the actor refused for another reason than a valid proof shows nothing, whatever its exit code', async (t) => {
	/** Of three disputes one finds a valid proof, one no proof; both end with 16. */
	const counts = [
		{ lost: 1, survived: 4, refused: 0 },
		{ lost: 2, survived: 5, refused: 1 },
	];
	const answers: Readonly<Record<string, () => unknown>> = {
		'Devnet.Stats': () => ({ disputes: counts.shift() }),
		'Filecoin.StateMinerDeadlines': () => [{ DisputableProofCount: 3 }],
		'Filecoin.MpoolGetNonce': () => 0,
		'Filecoin.WalletSignMessage': () => ({}),
		'Filecoin.MpoolPush': () => ({ '/': 'cid' }),
		'Filecoin.StateWaitMsg': () => ({ Receipt: { ExitCode: 16 }, Height: 1 }),
	};
	const answer = (body: unknown): string =>
		JSON.stringify({ result: answers[(body as { method: string }).method]?.() });
	const server = createServer((request, response) => {
		json(request).then(
			(body) => response.end(answer(body)),
			(error: Error) => response.destroy(error),
		);
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.after(() => server.close());
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	const faucet = 'f134buwikwmjplvsoy67d26ypp6q5ekhu7qap6hwq';
	const desk = new ChainDesk({ url, urls: [url], dir: '', testParameters: '', faucet, miners: [] }, 'token');
	assert.deepEqual(await desk.disputeAll(actorId(1000), deadlineIndex(0)), { made: 3, survived: 1, lost: 1 });
});
