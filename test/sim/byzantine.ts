/**
 * Members that lie. Each runs the production core and says something else than it decided: what a thief of one key could
 * do, signed like anything true. Lies of the wallet are left out: whoever may sign for a miner is trusted with it.
 */
import { minerAddress } from '../../src/codec/address.ts';
import { encodeMinerCall } from '../../src/codec/miner-params.ts';
import { submissionOf } from '../../src/codec/submission.ts';
import type { EffectOf } from '../../src/core/api.ts';
import { buildDigest } from '../../src/core/digest.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import type { Envelope, EnvelopeBody } from '../../src/domain/envelope.ts';
import { attoFil, epoch, type Hex32, hex32 } from '../../src/domain/ids.ts';
import type { Lease } from '../../src/domain/lease.ts';
import { limits } from '../../src/domain/limits.ts';
import type { Gas, Message } from '../../src/domain/message.ts';
import { PROOF_BYTES } from '../../src/domain/proof.ts';
import type { NodeRecord } from '../../src/domain/record.ts';
import type { DuePartition, WorkItem } from '../../src/domain/work.ts';
import { sync } from './effects.ts';
import type { Lie } from './faults.ts';
import type { SimNode } from './node.ts';
import { makeProof } from './proofs.ts';
import { type Sealed, sealOwn } from './seal.ts';
import type { World } from './world.ts';

/** Sequences far above those that the core of the same machine uses. */
const FORGED_SEQUENCE = 2 ** 40;
const REPLAYS = 3;
const HEARD_MOST = 200;
const FALSE_ITEMS = 3;
/** Partitions that no deadline has are counted from here to there: more statements than one announcer may have kept. */
const FALSE_PARTITIONS = 100;
const FALSE_PARTITIONS_MOST = 1_000;
const NEEDLESS_SKIPS = 2;
/** Four statements each time: what a quota of 100 a second lets through for the first moments, for as long as the run takes. */
const FLOOD_MS = 400;
/** Before the question that it left unanswered is given up. */
const STALL_MS = 2_000;

export class Byzantine {
	readonly lie: Lie;
	readonly #node: SimNode;
	readonly #heard: Sealed[] = [];
	readonly #told = new Set<string>();
	#made = 0;

	constructor(node: SimNode, lie: Lie) {
		this.#node = node;
		this.lie = lie;
	}

	/** Says something else, or something more, in place of what the core published. */
	publish(envelope: Envelope): void {
		const { network } = this.#node.world;
		switch (this.lie) {
			case 'hoarder':
			case 'liar':
				this.#say(envelope.kind === 'rec' ? { ...envelope, body: this.#boast(envelope.body) } : envelope);
				return;
			case 'over-skipper':
				this.#say(envelope.kind === 'res' ? { ...envelope, body: this.#skimp(envelope.body) } : envelope);
				return;
			case 'withholder':
				if (envelope.kind !== 'res') this.#say(envelope);
				return;
			case 'equivocator': {
				this.#say(envelope, (peer) => peer.index % 2 === 0);
				if (envelope.kind !== 'rec') this.#say(envelope, (peer) => peer.index % 2 === 1);
				else this.#say({ ...envelope, body: { ...envelope.body, leases: [] } }, (peer) => peer.index % 2 === 1);
				return;
			}
			case 'replayer':
				this.#say(envelope);
				for (let i = 0; i < REPLAYS && this.#heard.length > 0; i++) {
					const old = this.#node.world.random.pick(this.#heard);
					network.gossip(this.#node, old.envelope, old.raw);
				}
				return;
			case 'forger':
				this.#say(envelope);
				this.#eachItem('forged', (item) => {
					this.#sayMore({ kind: 'sub', body: forgedSubmission(this.#node, item) });
					if (this.#node.config.roles.includes('prover')) this.#sayMore({ kind: 'res', body: forgedResult(item) });
				});
				return;
			case 'flooder':
			case 'staller':
				this.#say(envelope);
				return;
			case 'false-announcer':
				this.#say(envelope);
				this.#eachItem('announced', (item) => {
					// Also for what it has made up itself, but not for ever.
					if (item.partition < FALSE_PARTITIONS_MOST) this.#announce(item);
				});
				return;
		}
	}

	/** Says what nobody needs, of every kind, without end. */
	flood(): void {
		const { heap, random } = this.#node.world;
		heap.after(FLOOD_MS, () => this.flood());
		const { state } = this.#node;
		if (!this.#node.isAwake || state === null) return;
		const items = state.works.values().map(({ item }) => item);
		if (state.records.own !== null) {
			this.#sayMore({ kind: 'rec', body: { ...state.records.own.envelope.body, idle: this.#made % 2 } });
		}
		if (items.length === 0) return;
		const item = random.pick(items);
		this.#sayMore({ kind: 'res', body: forgedResult(item, this.#made) });
		this.#sayMore({ kind: 'sub', body: forgedSubmission(this.#node, item) });
		this.#announce(item, random.between(1, FALSE_PARTITIONS_MOST / FALSE_PARTITIONS));
	}

	/** Shows everybody that it has something newer, over and over; what they then ask for it never tells. */
	stall(): void {
		const { heap, nodes } = this.#node.world;
		heap.after(STALL_MS, () => this.stall());
		const { state } = this.#node;
		if (!this.#node.isAwake || state === null) return;
		const newer = { node: this.#node.id, incarnation: FORGED_SEQUENCE, sequence: this.#made++ };
		const digest = { ...buildDigest(state), records: [newer] };
		for (const peer of nodes) if (peer !== this.#node) sync(this.#node, { type: 'sync', peer: peer.id, digest });
	}

	/** What others said, for later. */
	hear(statement: Sealed): void {
		if (this.lie === 'replayer' && this.#heard.length < HEARD_MOST) this.#heard.push(statement);
	}

	/** Keeps results to itself, and its lies consistent, when others ask. */
	answer(answer: EffectOf<'answer-pull'>): EffectOf<'answer-pull'> {
		const { statements } = answer;
		const own = this.#node.id;
		const honest = statements.filter(({ statement }) => {
			if (this.lie === 'withholder') return statement.envelope.kind !== 'res';
			return statement.envelope.from !== own || statement.envelope.kind !== 'rec';
		});
		return { ...answer, statements: honest };
	}

	/** It answers no question of anti-entropy. */
	get isMute(): boolean {
		return this.lie === 'staller';
	}

	/** A hoarder and a withholder of work begin nothing. */
	get isIdle(): boolean {
		return this.lie === 'hoarder';
	}

	#say(envelope: Envelope, isFor?: (peer: SimNode) => boolean): void {
		const { envelope: read, raw } = sealOwn(this.#node, envelope);
		this.#node.world.network.gossip(this.#node, read, raw, isFor);
	}

	#sayMore(body: EnvelopeBody): void {
		this.#say(forgedEnvelope(this.#node, body, FORGED_SEQUENCE + this.#made++));
	}

	/** Once for each item that the core knows. */
	#eachItem(about: string, run: (item: WorkItem) => void): void {
		for (const { item } of this.#node.state?.works.values() ?? []) {
			const key = `${about}/${item.id}`;
			if (item.kind !== 'post' || this.#told.has(key)) continue;
			this.#told.add(key);
			run(item);
		}
	}

	/** Claims all that is due, as nearly done; a liar also has every result. */
	#boast(body: NodeRecord): NodeRecord {
		const works = [...(this.#node.state?.works.values() ?? [])].filter(({ item }) => item.kind === 'post');
		const lease = ({ item }: (typeof works)[number]): Lease => ({
			work: item.id,
			term: 1,
			backup: false,
			phase: 'prove',
			permille: this.lie === 'liar' ? 990 : 0,
			workSeconds: this.lie === 'liar' ? 100_000 : 0,
			replaces: null,
		});
		if (this.lie === 'hoarder') return { ...body, leases: works.slice(0, limits.recordLeases).map(lease), idle: 0 };
		const leases = body.leases.map((own) => ({ ...own, permille: 990, workSeconds: 100_000 }));
		const keys = [...new Set(works.map(({ item }) => item.key))].sort();
		const have = keys.map((key) => ({
			key,
			partitions: Bitfield.of(works.flatMap(({ item }) => (item.key === key ? [item.partition] : []))),
		}));
		return { ...body, leases, have };
	}

	/** A good proof of fewer sectors than there are. */
	#skimp<B extends Extract<EnvelopeBody, { kind: 'res' }>['body']>(body: B): B {
		const manifest = this.#node.state?.works.get(body.work)?.item.sectorRoot as Hex32;
		const sectors = [...(this.#node.world.chain.manifests.get(manifest) ?? [])];
		const skipped = Bitfield.of(sectors.slice(0, NEEDLESS_SKIPS));
		return { ...body, skipped, proof: makeProof(body.work, skipped, this.#node.id) };
	}

	/** Items that no chain has. */
	#announce(item: WorkItem, from = 1): void {
		const items = Array.from({ length: FALSE_ITEMS }, (_, i) => ({
			partition: (item.partition + FALSE_PARTITIONS * (i + from)) as typeof item.partition,
			sectorCount: item.sectorCount,
			sectorRoot: item.sectorRoot,
		}));
		this.#sayMore(announced(item, items));
	}
}

/** Partitions of the item's deadline, as its challenge is announced. */
export function announced(item: WorkItem, items: readonly DuePartition[]): EnvelopeBody {
	const { kind, nonce, miner, periodStart, deadline, challenge, open, close, randomness, proofType } = item;
	const of = { kind, nonce, miner, periodStart, deadline, challenge, open, close, randomness, proofType };
	return { kind: 'ann', body: { challenge: of, items } };
}

/** Something said out of turn. */
export function forgedEnvelope(node: SimNode, body: EnvelopeBody, sequence: number): Envelope {
	return {
		network: node.config.network,
		from: node.id,
		incarnation: node.state?.identity.incarnation ?? 1,
		sequence,
		epoch: epoch(node.world.chain.epoch),
		...body,
	};
}

/** A proof that nobody made. */
export function forgedResult(item: WorkItem, variant = 1): Extract<EnvelopeBody, { kind: 'res' }>['body'] {
	const proof = new Uint8Array(PROOF_BYTES).fill(variant & 0xff);
	return { work: item.id, proof, skipped: Bitfield.empty, refusals: [], proveMs: 1 };
}

/** A message that pays well and that no key has signed. */
export function forgedSubmission(node: SimNode, item: WorkItem): Extract<EnvelopeBody, { kind: 'sub' }>['body'] {
	const proof = new Uint8Array(PROOF_BYTES).fill(2);
	const gas = { limit: 1, feeCap: attoFil(9_000n), premium: attoFil(9_000n) };
	const message = nextMessage(node.world, item, { proof, commitEpoch: item.open, gas });
	return submissionOf(item.id, { message, signatureType: 1, signature: new Uint8Array(65).fill(1) });
}

/** What could be sent for an item now: a proof without skips, at the nonce that the chain expects. */
export function nextMessage(
	{ chain }: World,
	item: WorkItem,
	{ proof, commitEpoch, gas }: { readonly proof: Uint8Array; readonly commitEpoch: number; readonly gas: Gas },
): Message {
	const sender = chain.miners.find(({ miner }) => miner === item.miner)?.sender ?? '';
	const call = encodeMinerCall({
		kind: 'submit-post',
		params: {
			deadline: item.deadline,
			partition: item.partition,
			skipped: Bitfield.empty,
			proofType: item.proofType,
			proof,
			commitEpoch: epoch(commitEpoch),
			commitRandomness: hex32('00'.repeat(32)),
		},
	});
	return {
		version: 0,
		to: minerAddress(item.miner),
		from: sender,
		nonce: chain.tip.nonces.get(sender) ?? 0,
		value: attoFil(0n),
		gasLimit: gas.limit,
		gasFeeCap: gas.feeCap,
		gasPremium: gas.premium,
		...call,
	};
}
