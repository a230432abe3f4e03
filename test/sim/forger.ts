/** Single lies for stories: each is signed by its author like anything true. */

import { submissionOf } from '../../src/codec/submission.ts';
import { sha256Hex } from '../../src/codec/work-id.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import type { EnvelopeBody } from '../../src/domain/envelope.ts';
import { attoFil, type Hex32 } from '../../src/domain/ids.ts';
import type { WorkItem } from '../../src/domain/work.ts';
import { announced, forgedEnvelope, forgedResult, forgedSubmission, nextMessage } from './byzantine.ts';
import { makeProof, messageSignature } from './proofs.ts';
import { sealOwn } from './seal.ts';
import type { World } from './world.ts';

/** Sequences far above those the honest core of the same machine uses. */
const FORGED_SEQUENCE = 2 ** 40;
let made = 0;

export function forge(world: World, kind: string, name: string): void {
	const items = world.chain.slots.flatMap((slot) => world.itemsOf(slot));
	const [item] = items;
	if (item === undefined) throw new Error('nothing is due');
	if (kind === 'rival') {
		takeNonce(world, items.findLast(({ deadline }) => deadline === item.deadline) ?? item);
		return;
	}
	const node = world.named(name);
	const { envelope, raw } = sealOwn(
		node,
		forgedEnvelope(node, body(world, kind, name, item), FORGED_SEQUENCE + made++),
	);
	world.network.gossip(node, envelope, raw);
}

function body(world: World, kind: string, name: string, item: WorkItem): EnvelopeBody {
	switch (kind) {
		case 'result':
			return { kind: 'res', body: forgedResult(item) };
		case 'needless-skip': {
			const sectors = [...(world.chain.manifests.get(item.sectorRoot) ?? [])];
			const skipped = Bitfield.of(sectors.slice(0, 1));
			const proof = makeProof(item.id, skipped, name);
			return { kind: 'res', body: { work: item.id, proof, skipped, refusals: [], proveMs: 1 } };
		}
		case 'flags': {
			const { partition, sectorCount } = item;
			return announced(item, [{ partition, sectorCount, sectorRoot: otherFlags(world, name, item) }]);
		}
		case 'submission':
			return { kind: 'sub', body: forgedSubmission(world.named(name), item) };
		default:
			throw new Error(`no lie is called ${kind}`);
	}
}

/** Root of a list of the same sectors of which one is said to be updated; the liar serves it. */
function otherFlags(world: World, name: string, { sectorRoot }: WorkItem): Hex32 {
	const { manifests } = world.chain;
	const root = sha256Hex(new TextEncoder().encode(`updated/${sectorRoot}`));
	manifests.set(root, manifests.get(sectorRoot) ?? Bitfield.empty);
	world.named(name).holdManifest(root);
	return root;
}

/** What a submitter beyond a split sent: a good message for the item, at the nonce of the one that waits here. */
function takeNonce(world: World, item: WorkItem): void {
	const proof = makeProof(item.id, Bitfield.empty, 'beyond');
	const gas = { limit: 1000, feeCap: attoFil(1000n), premium: attoFil(100n) };
	const message = nextMessage(world, item, { proof, commitEpoch: world.chain.epoch - 1, gas });
	const submission = submissionOf(item.id, { message, signatureType: 1, signature: messageSignature(message) });
	world.chain.land(submission);
	for (const { index } of world.nodes) world.follow(index);
}
