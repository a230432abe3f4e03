import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeManifest, manifestRoot } from '../../../src/codec/manifest.ts';
import type { EventOf } from '../../../src/core/api.ts';
import { Bitfield } from '../../../src/domain/bitfield.ts';
import { type Hex32, hex32, type NodeId, nodeId } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import { ManifestBook } from '../../../src/node/manifest-book.ts';
import { MANIFEST_PROTOCOL, ManifestExchange } from '../../../src/node/manifest-exchange.ts';
import { MemoryStore } from '../../fakes/memory-store.ts';
import { MemoryStreams } from '../../fakes/memory-streams.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { fakeManifest } from '../../support/work-items.ts';

const manifest = fakeManifest(3, 4, 9);
const bytes = encodeManifest(manifest);
const root = manifestRoot(bytes);

function setUp() {
	const peers = new Map<NodeId, MemoryStreams>();
	const streams = new MemoryStreams(nodeId('me'), (peer) => peers.get(peer));
	const store = new MemoryStore();
	const book = new ManifestBook(store);
	const log = memoryLog();
	const events: EventOf<'manifest-held' | 'manifest-failed'>[] = [];
	const exchange = new ManifestExchange({ streams, book, log }, { enqueue: (event) => events.push(event) });
	const peer = (name: string): MemoryStreams => {
		const made = new MemoryStreams(nodeId(name), () => streams);
		peers.set(nodeId(name), made);
		return made;
	};
	const answering = (name: string, answer: Uint8Array): NodeId => {
		peer(name).onCall(MANIFEST_PROTOCOL, 32, async () => answer);
		return nodeId(name);
	};
	/** A peer with the real serving side that holds the manifest. */
	const holding = async (name: string): Promise<NodeId> => {
		const theirs = new ManifestBook(new MemoryStore());
		await theirs.put(manifest);
		new ManifestExchange({ streams: peer(name), book: theirs, log }, { enqueue: () => assert.fail() }).serve();
		return nodeId(name);
	};
	const fetch = (of: Hex32, ...from: readonly NodeId[]) => exchange.fetch({ type: 'fetch-manifest', root: of, from });
	return { answering, holding, fetch, events, book, store };
}

test('a manifest comes from the first peer that has it, past those that lie, lack it or are gone', async () => {
	const { answering, holding, fetch, events, book } = setUp();
	const from = [
		nodeId('gone'),
		answering('lacks', new Uint8Array(0)),
		answering('lies', encodeManifest(fakeManifest(3, 4))),
		answering('floods', new Uint8Array(limits.manifestBytes + 1)),
		await holding('has'),
	];
	await fetch(root, ...from);
	assert.deepEqual(events, [{ type: 'manifest-held', root, sectors: Bitfield.of([3, 4, 9]) }]);
	assert.deepEqual(await book.bytes(root), bytes);
	assert.deepEqual(await Array.fromAsync(book.roots()), [root], 'a lie is not kept');
});

test('bytes of the announced root that are no manifest are not kept', async () => {
	const { answering, fetch, events, book } = setUp();
	const junk = Uint8Array.of(1, 2, 3);
	const junkRoot = manifestRoot(junk);
	await fetch(junkRoot, answering('a', junk));
	assert.deepEqual(events, [{ type: 'manifest-failed', root: junkRoot }]);
	assert.equal(await book.bytes(junkRoot), undefined);
});

test('a manifest that cannot be written is not held', async () => {
	const { holding, fetch, events, store } = setUp();
	store.failNext('store-full');
	await fetch(root, await holding('a'));
	assert.deepEqual(events, [{ type: 'manifest-failed', root }]);
});

test('with nobody to ask the answer is no', async () => {
	const { fetch, events } = setUp();
	await fetch(hex32('00'.repeat(32)));
	assert.equal(events[0]?.type, 'manifest-failed');
});
