/** What a simulated machine does when its core asks for it. Every effect that names an answer gets exactly one. */

import { minerAddress } from '../../src/codec/address.ts';
import { encodeMinerCall } from '../../src/codec/miner-params.ts';
import { submissionOf } from '../../src/codec/submission.ts';
import type { AgedStatement, Effect, EffectOf } from '../../src/core/api.ts';
import { attoFil, epoch, hex32, workIdOf } from '../../src/domain/ids.ts';
import type { Message, SignedMessage } from '../../src/domain/message.ts';
import type { Slot } from './chain.ts';
import { manifestKey, type SimNode } from './node.ts';
import { isGoodProof, isGoodSignature, messageSignature } from './proofs.ts';
import { sealOwn } from './seal.ts';

const VERIFY_MS = 3;
const SIGN_MS = 15;
const CHAIN_CALL_MS = [20, 200] as const;
const PUSH_MS = 20;
const DIRECTORY_MS = 200;
const MANIFEST_MS = [10, 80] as const;
const PROBE_MS = [2, 100] as const;
/** Of a message that pays twice the base fee, at least this. */
const FEE_CAP_LEAST = 1_000n;
const GAS_LIMIT = 1_000;
const PREMIUM = 100n;
/** Bytes of a digest: those of each record and each challenge (docs/protocol.md), and a frame. */
const DIGEST_RECORD_BYTES = 60;
const DIGEST_CHALLENGE_BYTES = 150;
const FRAME_BYTES = 100;

export function carryOut(node: SimNode, effect: Effect): void {
	// A hoarder only says that it works.
	if (node.world.liars.get(node)?.isIdle === true && (effect.type === 'gather' || effect.type === 'prove')) return;
	switch (effect.type) {
		case 'publish':
			node.world.publish(node, effect.envelope);
			return;
		case 'fetch-manifest':
			fetchManifest(node, effect);
			return;
		case 'forget-manifest':
			node.disk.delete(manifestKey(effect.root));
			return;
		case 'gather':
			node.gather.begin(effect);
			return;
		case 'ask-holder':
			node.gather.ask(effect);
			return;
		case 'gather-stop':
			node.gather.end(effect);
			return;
		case 'prove':
			node.prover.begin(effect);
			return;
		case 'prove-cancel':
			node.prover.cancel(effect);
			return;
		case 'verify': {
			const { work, hash, proof, skipped } = effect;
			const verdict = isGoodProof(work.id, skipped, proof) ? 'good' : 'bad';
			node.answer(VERIFY_MS, { type: 'verified', work: work.id, hash, verdict });
			return;
		}
		case 'probe':
			probe(node, effect);
			return;
		case 'sync':
			sync(node, effect);
			return;
		case 'pull':
			pull(node, effect);
			return;
		case 'answer-sync':
		case 'answer-pull':
			node.asked.get(effect.request)?.(effect);
			node.asked.delete(effect.request);
			return;
		case 'find-holders': {
			const peers = node.world.network.reachable(node, node.world.holders);
			node.answer(DIRECTORY_MS, { type: 'holders-found', miner: effect.miner, block: effect.block, peers });
			return;
		}
		case 'open-ahead':
			node.storage.openAhead(effect);
			return;
		case 'prepare':
			prepare(node, effect);
			return;
		case 'sign':
			sign(node, effect);
			return;
		case 'check-message': {
			const { message, signature } = effect.signed;
			const verdict = isGoodSignature(message, signature) ? 'good' : 'bad';
			node.answer(VERIFY_MS, { type: 'message-checked', cid: effect.cid, verdict });
			return;
		}
		case 'push':
			push(node, effect);
			return;
		case 'search':
			search(node, effect);
			return;
		case 'alarm':
		case 'alarm-cleared':
		case 'decision':
			return;
	}
}

function fetchManifest(node: SimNode, { root, from }: EffectOf<'fetch-manifest'>): void {
	const { world } = node;
	node.later(world.random.between(...MANIFEST_MS), () => {
		const served = from.some((id) => {
			const peer = world.node(id);
			return world.network.reaches(node, peer) && peer.disk.has(manifestKey(root));
		});
		if (served) node.holdManifest(root);
		else node.give({ type: 'manifest-failed', root });
	});
}

/** Directly and through others; a machine that is gone refuses at once, one that is cut off says nothing. */
function probe(node: SimNode, { peer: id, via, timeoutMs }: EffectOf<'probe'>): void {
	const { network, random } = node.world;
	const peer = node.world.node(id);
	node.later(random.between(...PROBE_MS), () => {
		const relays = via.map((relay) => node.world.node(relay));
		const alive =
			network.reaches(node, peer) ||
			relays.some((relay) => network.reaches(node, relay) && network.reaches(relay, peer));
		const refused = !peer.up && !peer.lostPower;
		node.answer(alive || refused ? 0 : node.clock.worldMs(timeoutMs), { type: 'probed', peer: id, alive });
	});
}

function digestBytes({ digest }: Pick<EffectOf<'sync'>, 'digest'>): number {
	const { records, challenges } = digest;
	return FRAME_BYTES + records.length * DIGEST_RECORD_BYTES + challenges.length * DIGEST_CHALLENGE_BYTES;
}

/** Shows the peer a digest and takes in what it answers. */
export function sync(node: SimNode, { peer: id, digest }: EffectOf<'sync'>): void {
	const { network } = node.world;
	const peer = node.world.node(id);
	network.bytes += digestBytes({ digest });
	network.call<Effect>(
		node,
		peer,
		(reply) =>
			peer.ask(
				(request) => ({ type: 'sync-asked', request, peer: node.id, digest }),
				(answer) => reply(answer, answer.type === 'answer-sync' ? digestBytes(answer) : 0),
			),
		(answer) => {
			const theirs = answer?.type === 'answer-sync' ? answer.digest : null;
			node.give({ type: 'sync-answered', peer: id, digest: theirs });
		},
	);
}

function pull(node: SimNode, { peer: id, pull: wanted }: EffectOf<'pull'>): void {
	const { network } = node.world;
	const peer = node.world.node(id);
	network.bytes += FRAME_BYTES;
	network.call<Answered>(
		node,
		peer,
		(reply) =>
			peer.ask(
				(request) => ({ type: 'pull-asked', request, peer: node.id, pull: wanted }),
				(answer) => {
					if (answer.type !== 'answer-pull' || node.world.liars.get(peer)?.isMute === true) return;
					const { statements, more } = node.world.twistAnswer(peer, answer);
					const sealed = statements.map((aged) => sealAged(peer, aged));
					reply(
						{ statements: sealed, more },
						sealed.reduce((sum, { raw }) => sum + raw.length, FRAME_BYTES),
					);
				},
			),
		(answer) => {
			for (const { envelope, raw, ageMs } of answer?.statements ?? []) {
				node.give({ type: 'statement', envelope, raw, relay: id, ageMs });
			}
			node.give({ type: 'pulled', peer: id, ok: answer !== null, more: answer?.more ?? false });
		},
	);
}

interface Answered {
	readonly statements: readonly ReturnType<typeof sealAged>[];
	readonly more: boolean;
}

function sealAged(peer: SimNode, { statement, ageMs }: AgedStatement) {
	const { envelope, raw } = statement;
	return raw === null ? { ...sealOwn(peer, envelope), ageMs } : { envelope, raw, ageMs };
}

// ---------------------------------------------------------------------------------------------------------------- chain

function slotOf(node: SimNode, { miner, deadline }: { readonly miner: number; readonly deadline: number }): Slot {
	const slot = node.world.chain.slots.find((other) => other.miner === miner && other.deadline === deadline);
	if (slot === undefined) throw new Error('a work item of a deadline that the world does not have');
	return slot;
}

function prepare(node: SimNode, { work }: EffectOf<'prepare'>): void {
	const { chain, random } = node.world;
	node.later(random.between(...CHAIN_CALL_MS), () => {
		const { fullNode } = node;
		const failed = (refused: boolean, detail: string): void =>
			node.give({ type: 'prepare-failed', work: work.id, code: 'chain-rpc', refused, detail });
		if (fullNode === null || fullNode.isDown) return failed(false, 'no answer');
		const { head } = fullNode;
		if (head.height < work.open || head.height >= work.close) return failed(true, 'invalid deadline');
		const slot = slotOf(node, work);
		const feeCap = head.baseFee * 2n > FEE_CAP_LEAST ? head.baseFee * 2n : FEE_CAP_LEAST;
		node.give({
			type: 'prepared',
			work: work.id,
			epoch: epoch(head.height),
			randomness: chain.challengeOf(slot, head)?.randomness ?? work.randomness,
			posted: fullNode.isPosted(slot, work.partition),
			commitEpoch: epoch(head.height - 1),
			commitRandomness: hex32('00'.repeat(32)),
			gas: { limit: GAS_LIMIT, feeCap: attoFil(feeCap), premium: attoFil(PREMIUM) },
		});
	});
}

function sign(node: SimNode, { work, miner, params, nonce, gas }: EffectOf<'sign'>): void {
	const sender = node.world.chain.miners.find((other) => other.miner === miner)?.sender;
	if (sender === undefined) throw new Error('a message for a miner that the world does not have');
	const message: Message = {
		version: 0,
		to: minerAddress(miner),
		from: sender,
		nonce,
		value: attoFil(0n),
		gasLimit: gas.limit,
		gasFeeCap: gas.feeCap,
		gasPremium: gas.premium,
		...encodeMinerCall({ kind: 'submit-post', params }),
	};
	const signed: SignedMessage = { message, signatureType: 1, signature: messageSignature(message) };
	node.answer(SIGN_MS, { type: 'signed', submission: submissionOf(work, signed) });
}

function push(node: SimNode, { cid, signed }: EffectOf<'push'>): void {
	const { call, bytes } = submissionOf(workIdOf('00'.repeat(32)), signed);
	node.later(PUSH_MS, () => {
		const code = node.fullNode?.push({ cid, bytes, signed, call }) ?? null;
		node.give({ type: 'pushed', cid, code: node.fullNode === null ? 'chain-rpc' : code });
	});
}

function search(node: SimNode, { cid }: EffectOf<'search'>): void {
	const signed = node.state?.messages.get(cid)?.submission.signed;
	node.later(PUSH_MS, () => {
		const { fullNode } = node;
		if (fullNode === null || fullNode.isDown || signed === undefined) {
			return node.give({ type: 'searched', cid, epoch: epoch(-1), lookup: null, posted: false });
		}
		const { lookup, posted } = fullNode.search(cid, signed.message);
		node.give({ type: 'searched', cid, epoch: epoch(fullNode.head.height), lookup, posted });
	});
}
