/** Several full nodes as one: who is asked, who may be, and what each is told. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { LotusChain } from '../../../../src/adapters/chain/lotus-chain.ts';
import { memoryLog } from '../../../support/memory-log.ts';
import { memoryMetrics } from '../../../support/memory-metrics.ts';
import { type NodeRequest, result, type ScriptedNode, scriptedNode } from '../../../support/scripted-node.ts';
import { systemClock } from '../../../support/system-clock.ts';

const NETWORK = 'testing';
const version = { Version: 'test', APIVersion: 1, BlockDelay: 30 };

/** Answers the version, the permissions and, as a test changes it, the network; a node without a network is away. */
class FullNode {
	network: string | undefined;
	readonly permissions: readonly string[];
	#node: ScriptedNode | undefined;
	#told = 0;

	constructor(network: string | undefined, permissions: readonly string[] = ['read']) {
		this.network = network;
		this.permissions = permissions;
	}

	async listen(t: TestContext): Promise<string> {
		const node = await scriptedNode({
			call: (request) => (this.network === undefined ? { status: 503, body: '' } : this.#answer(request)),
		});
		t.after(() => node.close());
		this.#node = node;
		return node.url;
	}

	/** Since the last call of this. */
	asked(): string[] {
		const requests = this.#node?.requests.slice(this.#told) ?? [];
		this.#told += requests.length;
		return requests.map(({ method, params }) => [method, ...params].join(' '));
	}

	#answer(request: NodeRequest) {
		if (request.method === 'StateNetworkName') return result(request, this.network);
		return result(request, request.method === 'AuthVerify' ? this.permissions : version);
	}
}

async function chainOf(t: TestContext, ...nodes: readonly FullNode[]): Promise<LotusChain> {
	const urls = await Promise.all(nodes.map((node) => node.listen(t)));
	const endpoints = urls.map((url, index) => ({ url, token: `token-${index}` }));
	const chain = new LotusChain(
		{ clock: systemClock, log: memoryLog(), metrics: memoryMetrics() },
		{ endpoints, network: NETWORK },
	);
	t.after(() => chain.close());
	return chain;
}

test('a fallback is asked for its network before anything else, once', async (t) => {
	const [first, fallback] = [new FullNode(undefined), new FullNode(NETWORK)];
	const chain = await chainOf(t, first, fallback);
	await chain.version();
	await chain.version();
	assert.deepEqual(fallback.asked(), ['StateNetworkName', 'Version', 'Version']);
});

test('a fallback of another network is asked for nothing else, however long no other answers', async (t) => {
	const [first, fallback] = [new FullNode(NETWORK), new FullNode('mainnet')];
	const chain = await chainOf(t, first, fallback);
	await chain.version();
	first.network = undefined;
	await assert.rejects(chain.version(), { code: 'chain-network' });
	await assert.rejects(chain.version(), { code: 'chain-network' });
	assert.deepEqual(fallback.asked(), ['StateNetworkName', 'StateNetworkName']);
	first.network = NETWORK;
	await chain.version();
});

test('a full node that was away is asked for its network again', async (t) => {
	const [first, fallback] = [new FullNode(NETWORK), new FullNode(NETWORK)];
	const chain = await chainOf(t, first, fallback);
	await chain.version();
	first.network = undefined;
	await chain.version();
	[first.network, fallback.network] = ['mainnet', undefined];
	first.asked();
	await assert.rejects(chain.version());
	assert.deepEqual(first.asked(), ['StateNetworkName']);
});

test('a start refuses any full node of another network that answers, and waits for none that is away', async (t) => {
	await (await chainOf(t, new FullNode(NETWORK), new FullNode(undefined))).admit();
	await (await chainOf(t, new FullNode(undefined), new FullNode(NETWORK))).admit();
	for (const nodes of [
		[new FullNode(NETWORK), new FullNode('mainnet')],
		[new FullNode('mainnet'), new FullNode(NETWORK)],
		[new FullNode(undefined), new FullNode('mainnet')],
	]) {
		await assert.rejects((await chainOf(t, ...nodes)).admit(), { code: 'chain-network' });
	}
	const away = await chainOf(t, new FullNode(undefined), new FullNode(undefined));
	await assert.rejects(away.admit(), { code: 'chain-unreachable' });
});

test('every full node is told its own token alone, and what all of them permit counts', async (t) => {
	const [first, fallback] = [
		new FullNode(NETWORK, ['read', 'write', 'sign']),
		new FullNode(NETWORK, ['read', 'write']),
	];
	const chain = await chainOf(t, first, fallback);
	assert.deepEqual(await chain.permissions(), ['read', 'write']);
	assert.deepEqual([first.asked(), fallback.asked()], [['AuthVerify token-0'], ['AuthVerify token-1']]);
	fallback.network = undefined;
	assert.deepEqual(await chain.permissions(), ['read', 'write', 'sign']);
});
