/** Lies that members may tell: each is signed by its author like anything true. */
import { minerAddress } from '../../src/codec/address.ts';
import { encodeMinerCall } from '../../src/codec/miner-params.ts';
import { submissionOf } from '../../src/codec/submission.ts';
import { workItem } from '../../src/codec/work-id.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import type { EnvelopeBody } from '../../src/domain/envelope.ts';
import { attoFil, epoch, hex32 } from '../../src/domain/ids.ts';
import { makeProof, messageSignature, type SimNode } from './sim-node.ts';
import type { World } from './world.ts';

/** Sequences far above those the honest core of the same machine uses. */
const FORGED_SEQUENCE = 2 ** 40;
let made = 0;

export function forge(world: World, kind: string, name: string): void {
	const node = world.named(name);
	const [first] = world.chain.challenges;
	const [due] = first?.due ?? [];
	if (first === undefined || due === undefined) throw new Error('nothing is due');
	const item = workItem(node.config.network, first.challenge, due);
	const sectors = [...(world.chain.manifests.get(item.sectorRoot) ?? [])];
	if (kind === 'result') {
		say(world, node, {
			kind: 'res',
			body: { work: item.id, proof: new Uint8Array(192).fill(1), skipped: Bitfield.empty, refusals: [], proveMs: 1 },
		});
		return;
	}
	if (kind === 'needless-skip') {
		const skipped = Bitfield.of(sectors.slice(0, 1));
		const proof = makeProof(item.id, skipped, name);
		say(world, node, { kind: 'res', body: { work: item.id, proof, skipped, refusals: [], proveMs: 1 } });
		return;
	}
	if (kind === 'rival') {
		takeNonce(world);
		return;
	}
	if (kind !== 'submission') throw new Error(`no lie is called ${kind}`);
	const call = encodeMinerCall({
		kind: 'submit-post',
		params: {
			deadline: item.deadline,
			partition: item.partition,
			skipped: Bitfield.empty,
			proofType: item.proofType,
			proof: new Uint8Array(192).fill(2),
			commitEpoch: epoch(item.open),
			commitRandomness: hex32('00'.repeat(32)),
		},
	});
	const message = {
		version: 0 as const,
		to: minerAddress(world.chain.miner),
		from: world.chain.sender,
		nonce: world.chain.nonce,
		value: attoFil(0n),
		gasLimit: 1,
		gasFeeCap: attoFil(9_000n),
		gasPremium: attoFil(9_000n),
		...call,
	};
	const signed = { message, signatureType: 1 as const, signature: new Uint8Array(65).fill(1) };
	say(world, node, { kind: 'sub', body: submissionOf(item.id, signed) });
	return;
}

/** What a submitter beyond a split sent: a good message for the last partition, at the nonce of the one that waits here. */
function takeNonce(world: World): void {
	const [first] = world.chain.challenges;
	const due = first?.due.at(-1);
	const node = world.nodes[0];
	if (first === undefined || due === undefined || node === undefined) throw new Error('nothing is due');
	const item = workItem(node.config.network, first.challenge, due);
	const call = encodeMinerCall({
		kind: 'submit-post',
		params: {
			deadline: item.deadline,
			partition: item.partition,
			skipped: Bitfield.empty,
			proofType: item.proofType,
			proof: makeProof(item.id, Bitfield.empty, 'beyond'),
			commitEpoch: epoch(world.chain.epoch - 1),
			commitRandomness: hex32('00'.repeat(32)),
		},
	});
	const message = {
		version: 0 as const,
		to: minerAddress(world.chain.miner),
		from: world.chain.sender,
		nonce: world.chain.nonce,
		value: attoFil(0n),
		gasLimit: 1000,
		gasFeeCap: attoFil(1000n),
		gasPremium: attoFil(100n),
		...call,
	};
	const {
		bytes,
		cid,
		signed,
		call: read,
	} = submissionOf(item.id, {
		message,
		signatureType: 1,
		signature: messageSignature(message),
	});
	world.chain.land({ cid, bytes, signed, call: read });
}

function say(world: World, node: SimNode, body: EnvelopeBody): void {
	const envelope = {
		network: node.config.network,
		from: node.id,
		incarnation: node.state?.identity.incarnation ?? 1,
		sequence: FORGED_SEQUENCE + made++,
		epoch: epoch(world.chain.epoch),
		...body,
	};
	world.deliver(node, envelope, node.seal(envelope));
}
