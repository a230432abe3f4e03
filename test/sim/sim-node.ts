/** One simulated machine: the production core, a disk that forgets what was not synced, and what carries out effects. */

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { sealEnvelope } from '../../src/codec/envelope.ts';
import { encodeSignedMessage } from '../../src/codec/message.ts';
import { encodeMinerCall } from '../../src/codec/miner-params.ts';
import { encodeBitfield } from '../../src/codec/rle-plus.ts';
import { submissionOf } from '../../src/codec/submission.ts';
import type { AgedStatement, CoreConfig, Effect, EffectOf, Event, View } from '../../src/core/api.ts';
import { createState, type State, step, view } from '../../src/core/poster.ts';
import { decodeSnapshot, encodeSnapshot } from '../../src/core/snapshot.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import type { Envelope } from '../../src/domain/envelope.ts';
import { attoFil, epoch, type Hex32, hex32, type MonoMs, type NodeId, type WorkId } from '../../src/domain/ids.ts';
import { limits } from '../../src/domain/limits.ts';
import type { Message, SignedMessage } from '../../src/domain/message.ts';
import { PROOF_BYTES } from '../../src/domain/proof.ts';
import type { Write } from '../../src/domain/write.ts';
import { Random } from './random.ts';
import type { World } from './world.ts';

const SIGNATURE_BYTES = 64;

/** The bytes of a good proof begin with this; whoever does not prove cannot know it. */
function proofTag(work: WorkId, skipped: Bitfield): Uint8Array {
	return sha256(utf8ToBytes(`proof/${work}/${bytesToHex(encodeBitfield(skipped))}`));
}

/** A proof that verifies, different for every prover and attempt, as Groth16 proofs are. */
export function makeProof(work: WorkId, skipped: Bitfield, attempt: string): Uint8Array {
	const proof = new Uint8Array(PROOF_BYTES);
	const tag = proofTag(work, skipped);
	proof.set(tag);
	proof.set(sha256(utf8ToBytes(attempt)), tag.length);
	return proof;
}

function signatureTag(from: string, bytes: Uint8Array): Uint8Array {
	const tag = new Uint8Array(SIGNATURE_BYTES);
	tag.set(sha256(utf8ToBytes(`${from}/${bytesToHex(sha256(bytes))}`)));
	return tag;
}

export class SimNode {
	readonly id: NodeId;
	readonly config: CoreConfig;
	readonly held: Bitfield;
	readonly disk = new Map<string, Uint8Array>();
	readonly world: World;
	up = false;
	life = 0;
	state: State | null = null;
	/** Effects leave in order, after the batch before them is on disk. */
	#busyUntil = 0;
	readonly #spools = new Map<WorkId, Bitfield>();
	readonly #gathers = new Map<WorkId, number>();
	readonly #proofs = new Map<WorkId, number>();
	#tokens = 0;
	/** Of its own, so that taking snapshots changes nothing else in the run. */
	readonly #snapshots: Random;

	constructor(world: World, config: CoreConfig, held: Bitfield) {
		this.world = world;
		this.id = config.self;
		this.config = config;
		this.held = held;
		this.#snapshots = new Random(world.options.seed);
	}

	start(): void {
		this.up = true;
		this.life++;
		this.#busyUntil = this.world.heap.now;
		this.state = createState(
			this.config,
			[...this.disk].sort(([a], [b]) => (a < b ? -1 : 1)),
		);
		this.#tick(this.life);
		this.give({ type: 'measured', proofType: 10, sectors: 2, ms: this.world.options.proveMs });
		for (const [root, sectors] of this.world.chain.manifests) {
			if (this.disk.has(`m/${root}`)) this.give({ type: 'manifest-held', root, sectors });
		}
		if (this.config.roles.includes('storage')) {
			this.give({ type: 'holdings', miner: this.world.chain.miner, sectors: this.held });
		}
		if (this.config.roles.includes('chain')) this.showHead();
	}

	/** Power loss: what was not synced is gone, and so is everything in flight. */
	crash(): void {
		this.up = false;
		this.life++;
		this.state = null;
		this.#spools.clear();
		this.#gathers.clear();
		this.#proofs.clear();
	}

	view(): View | null {
		return this.state === null ? null : view(this.state, this.world.heap.now);
	}

	#tick(life: number): void {
		if (this.life !== life) return;
		this.give({ type: 'tick' });
		this.#later(limits.tickMs, life, () => this.#tick(life));
	}

	/** One event; what it persists is on disk before its effects leave. */
	give(event: Event): void {
		if (this.state === null) return;
		const { heap, random } = this.world;
		this.world.trace(this, event);
		const { persist, after } = step(this.state, event, heap.now as MonoMs);
		if (this.#snapshots.chance(this.world.options.snapshotPermille ?? 0)) {
			this.state = decodeSnapshot(encodeSnapshot(this.state));
		}
		if (persist.length === 0 && after.length === 0) return;
		const { life } = this;
		const syncMs = persist.length > 0 ? random.between(1, 8) : 0;
		this.#busyUntil = Math.max(this.#busyUntil, heap.now) + syncMs;
		this.#later(this.#busyUntil - heap.now, life, () => {
			for (const write of persist) this.#write(write);
			for (const effect of after) this.#carryOut(effect);
		});
	}

	#write(write: Write): void {
		if (write.type === 'put') this.disk.set(write.key, write.value);
		else this.disk.delete(write.key);
	}

	#later(ms: number, life: number, run: () => void): void {
		this.world.heap.after(ms, () => {
			// A process that stands still does all of it when it goes on.
			this.world.whenAwake(this, () => {
				if (this.life === life) run();
			});
		});
	}

	#answer(ms: number, event: Event): void {
		this.#later(ms, this.life, () => this.give(event));
	}

	showHead(): void {
		const { chain, random } = this.world;
		const head = chain.epoch;
		const shown = chain.view();
		const delay = random.between(5, 100);
		this.#answer(delay, { type: 'head', epoch: epoch(head) });
		this.#later(delay + 20, this.life, () => {
			for (const { due } of shown.challenges) {
				for (const { sectorRoot } of due) this.holdManifest(sectorRoot);
			}
			this.give({ type: 'chain-view', view: shown });
		});
	}

	holdManifest(root: Hex32): void {
		if (this.disk.has(`m/${root}`)) return;
		const sectors = this.world.chain.manifests.get(root);
		if (sectors === undefined) return;
		this.disk.set(`m/${root}`, new Uint8Array());
		this.give({ type: 'manifest-held', root, sectors });
	}

	seal(envelope: Envelope): Uint8Array {
		return sealEnvelope(envelope, (bytes) => signatureTag(envelope.from, bytes));
	}

	#carryOut(effect: Effect): void {
		this.world.observe(this, effect);
		switch (effect.type) {
			case 'publish':
				this.world.gossip(this, effect.envelope, this.seal(effect.envelope));
				return;
			case 'fetch-manifest':
				this.#fetchManifest(effect);
				return;
			case 'forget-manifest':
				this.disk.delete(`m/${effect.root}`);
				return;
			case 'gather':
				this.#gather(effect);
				return;
			case 'ask-holder':
				this.#askHolder(effect);
				return;
			case 'gather-stop':
				this.#gathers.delete(effect.work);
				if (!effect.keep) this.#spools.delete(effect.work);
				return;
			case 'prove':
				this.#prove(effect);
				return;
			case 'prove-cancel':
				this.#proofs.delete(effect.work);
				this.#answer(50, { type: 'prove-failed', work: effect.work, code: 'prover-cancelled' });
				return;
			case 'verify': {
				const { work, hash, proof, skipped } = effect;
				const tag = proofTag(work.id, skipped);
				const good = tag.every((byte, i) => byte === proof[i]);
				this.#answer(3, { type: 'verified', work: work.id, hash, verdict: good ? 'good' : 'bad' });
				return;
			}
			case 'probe':
				this.#probe(effect);
				return;
			case 'sync':
				this.world.call(
					this,
					effect.peer,
					(peer, reply) =>
						peer.#ask((request) => ({ type: 'sync-asked', request, peer: this.id, digest: effect.digest }), reply),
					(answer) =>
						this.give({
							type: 'sync-answered',
							peer: effect.peer,
							digest: answer?.type === 'answer-sync' ? answer.digest : null,
						}),
				);
				return;
			case 'pull':
				this.world.call(
					this,
					effect.peer,
					(peer, reply) =>
						peer.#ask((request) => ({ type: 'pull-asked', request, peer: this.id, pull: effect.pull }), reply),
					(answer) => this.#pulled(effect.peer, answer),
				);
				return;
			case 'answer-sync':
			case 'answer-pull':
				this.#reply(effect);
				return;
			case 'find-holders':
				this.#answer(200, { type: 'holders-found', miner: effect.miner, block: effect.block, peers: [] });
				return;
			case 'open-ahead':
				if (this.world.lazy.has(this.id)) return;
				for (const { work, sectors } of effect.works) {
					const ok = sectors.intersect(this.held).subtract(this.world.lost);
					const failed = [...sectors.subtract(ok)].map((sector) => ({ sector: sector as never, code: 'missing' }));
					this.#answer(this.world.random.between(20, 200), { type: 'opened', work: work.id, ok, failed });
				}
				return;
			case 'prepare':
				this.#prepare(effect);
				return;
			case 'sign':
				this.#sign(effect);
				return;
			case 'check-message': {
				const { signed } = effect;
				const expected = messageSignature(signed.message);
				const good = expected.every((byte, i) => byte === signed.signature[i]);
				this.#answer(3, { type: 'message-checked', cid: effect.cid, verdict: good ? 'good' : 'bad' });
				return;
			}
			case 'push': {
				const { cid, signed } = effect;
				const { call, bytes } = submissionOf('00'.repeat(32) as WorkId, signed);
				const code = this.world.chain.push({ cid, bytes, signed, call });
				this.#answer(20, { type: 'pushed', cid, code });
				return;
			}
			case 'search': {
				const message = this.state?.messages.get(effect.cid);
				const { chain } = this.world;
				const lookup = message === undefined ? null : chain.search(effect.cid, message.submission.signed.message);
				const { deadline, partition } = effect.work;
				const posted = chain.isPosted(deadline, partition);
				this.#answer(20, { type: 'searched', cid: effect.cid, epoch: epoch(chain.epoch), lookup, posted });
				return;
			}
			case 'alarm':
			case 'alarm-cleared':
			case 'decision':
				return;
		}
	}

	#fetchManifest({ root, from }: EffectOf<'fetch-manifest'>): void {
		const { world } = this;
		const server = from
			.map((id) => world.node(id))
			.find((peer) => world.reaches(this, peer) && peer.disk.has(`m/${root}`));
		this.#later(world.random.between(10, 80), this.life, () => {
			if (server === undefined) this.give({ type: 'manifest-failed', root });
			else this.holdManifest(root);
		});
	}

	#gather({ work, shares }: EffectOf<'gather'>): void {
		const { world } = this;
		if (!this.#gathers.has(work.id)) {
			this.#gathers.set(work.id, this.#tokens++);
			const kept = this.#spools.get(work.id);
			if (kept !== undefined) this.#answer(1, { type: 'gathered', work: work.id, peer: this.id, ok: kept, failed: [] });
		}
		const token = this.#gathers.get(work.id);
		for (const { peer: id, sectors } of shares) {
			const peer = world.node(id);
			const ms = world.random.between(50, 600) + (world.lineMs.get(id) ?? 0);
			this.#later(ms, this.life, () => {
				if (this.#gathers.get(work.id) !== token) return;
				if (peer !== this && !world.reaches(this, peer)) {
					return this.give({ type: 'gather-ended', work: work.id, peer: id, code: 'stream-reset' });
				}
				const ok = sectors.intersect(peer.held).subtract(world.lost);
				const failed = [...sectors.subtract(ok)].map((sector) => ({ sector: sector as never, code: 'missing' }));
				this.#spools.set(work.id, (this.#spools.get(work.id) ?? Bitfield.empty).union(ok));
				this.give({ type: 'gathered', work: work.id, peer: id, ok, failed });
				this.give({ type: 'gather-ended', work: work.id, peer: id, code: null });
			});
		}
	}

	#askHolder({ work, peer: id, sectors }: EffectOf<'ask-holder'>): void {
		const { world } = this;
		const peer = world.node(id);
		this.#later(world.random.between(50, 600) + (world.lineMs.get(id) ?? 0), this.life, () => {
			const ok = world.reaches(this, peer) ? sectors.intersect(peer.held).subtract(world.lost) : Bitfield.empty;
			this.give({ type: 'holder-answered', work: work.id, peer: id, ok, asked: true });
		});
	}

	#prove({ work, skipped }: EffectOf<'prove'>): void {
		const { world } = this;
		const token = this.#tokens++;
		this.#proofs.set(work.id, token);
		world.proofsStarted++;
		const sectors = world.chain.manifests.get(work.sectorRoot)?.subtract(skipped) ?? Bitfield.empty;
		if (!sectors.isSubsetOf(this.#spools.get(work.id) ?? Bitfield.empty))
			throw new Error('proof of sectors not in the spool');
		const base = world.options.proveMs;
		const straggles = world.random.chance(world.options.stragglerPermille);
		const ms = world.random.between(Math.floor((base * 8) / 10), Math.floor((base * 13) / 10)) * (straggles ? 6 : 1);
		const still = (): boolean => this.#proofs.get(work.id) === token;
		this.#later(20, this.life, () => {
			if (still()) this.give({ type: 'prove-progress', work: work.id, phase: 'synthesis', permille: 0 });
		});
		this.#later(Math.floor(ms / 2), this.life, () => {
			if (still()) this.give({ type: 'prove-progress', work: work.id, phase: 'groth16', permille: 500 });
		});
		this.#later(ms, this.life, () => {
			if (!still()) return;
			this.#proofs.delete(work.id);
			const proof = makeProof(work.id, skipped, `${this.id}/${token}`);
			this.give({ type: 'proved', work: work.id, proof, proveMs: ms });
		});
	}

	#probe({ peer: id, timeoutMs }: EffectOf<'probe'>): void {
		const { world } = this;
		const ms = world.random.between(2, 100);
		const peer = world.node(id);
		this.#later(ms, this.life, () => {
			const alive = world.reaches(this, peer) && !peer.world.isPaused(peer);
			// A machine that is gone refuses at once, one that is cut off says nothing.
			const wait = alive || !peer.up ? 0 : timeoutMs;
			this.#answer(wait, { type: 'probed', peer: id, alive });
		});
	}

	readonly #waiting = new Map<number, (answer: EffectOf<'answer-sync'> | EffectOf<'answer-pull'>) => void>();

	#ask(
		event: (request: number) => Event,
		reply: (answer: EffectOf<'answer-sync'> | EffectOf<'answer-pull'>) => void,
	): void {
		const request = this.#tokens++;
		this.#waiting.set(request, reply);
		this.give(event(request));
	}

	#reply(answer: EffectOf<'answer-sync'> | EffectOf<'answer-pull'>): void {
		this.#waiting.get(answer.request)?.(answer);
		this.#waiting.delete(answer.request);
	}

	#pulled(peer: NodeId, answer: EffectOf<'answer-sync'> | EffectOf<'answer-pull'> | null): void {
		if (answer?.type !== 'answer-pull') {
			this.give({ type: 'pulled', peer, ok: false, more: false });
			return;
		}
		for (const { statement, ageMs } of answer.statements as readonly AgedStatement[]) {
			const raw = statement.raw ?? this.seal(statement.envelope);
			this.give({ type: 'statement', envelope: statement.envelope, raw, relay: peer, ageMs });
		}
		this.give({ type: 'pulled', peer, ok: true, more: answer.more });
	}

	#prepare({ work }: EffectOf<'prepare'>): void {
		const { chain, random } = this.world;
		this.#later(random.between(20, 200), this.life, () => {
			const posted = chain.isPosted(work.deadline, work.partition);
			if (chain.epoch < work.open || chain.epoch >= work.close) {
				const failure = { code: 'chain-rpc', refused: true, detail: 'invalid deadline' };
				return this.give({ type: 'prepare-failed', work: work.id, ...failure });
			}
			const feeCap = chain.baseFee * 2n > 1000n ? chain.baseFee * 2n : 1000n;
			this.give({
				type: 'prepared',
				work: work.id,
				epoch: epoch(chain.epoch),
				randomness: work.randomness,
				posted,
				commitEpoch: epoch(chain.epoch - 1),
				commitRandomness: hex32('00'.repeat(32)),
				gas: { limit: 1000, feeCap: attoFil(feeCap), premium: attoFil(100n) },
			});
		});
	}

	#sign({ work, params, nonce, gas }: EffectOf<'sign'>): void {
		const { chain } = this.world;
		const call = encodeMinerCall({ kind: 'submit-post', params });
		const message: Message = {
			version: 0,
			to: chain.address,
			from: chain.sender,
			nonce,
			value: attoFil(0n),
			gasLimit: gas.limit,
			gasFeeCap: gas.feeCap,
			gasPremium: gas.premium,
			...call,
		};
		const signed: SignedMessage = { message, signatureType: 1, signature: messageSignature(message) };
		encodeSignedMessage(signed);
		this.#answer(15, { type: 'signed', submission: submissionOf(work, signed) });
	}
}

export function messageSignature(message: Message): Uint8Array {
	const signature = new Uint8Array(65);
	signature.set(
		sha256(utf8ToBytes(`${message.from}/${message.nonce}/${message.gasPremium}/${bytesToHex(message.params)}`)),
	);
	return signature;
}
