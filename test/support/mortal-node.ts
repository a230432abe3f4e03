/**
 * A process that runs the real loop and core over the real store in the folder given first: all roles of a mesh of one,
 * without its network. It prints what leaves it, at once, and kills itself around the batch given second, in the way
 * given third. Without these it ends when every partition has its message.
 */
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { openStore } from '../../src/adapters/level/store.ts';
import { minerAddress, secpAddress } from '../../src/codec/address.ts';
import { sealEnvelope } from '../../src/codec/envelope.ts';
import { encodeMinerCall } from '../../src/codec/miner-params.ts';
import { submissionOf } from '../../src/codec/submission.ts';
import type { ChainView, CoreConfig, Effect, EffectOf, Event } from '../../src/core/api.ts';
import { createState, type State, step } from '../../src/core/poster.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import { attoFil, type CidText, epoch, hex32, nodeId, partitionIndex, type WorkId } from '../../src/domain/ids.ts';
import { limits } from '../../src/domain/limits.ts';
import type { Message } from '../../src/domain/message.ts';
import { PROOF_BYTES } from '../../src/domain/proof.ts';
import type { Role } from '../../src/domain/roster.ts';
import { Loop } from '../../src/node/loop.ts';
import type { Store, Write } from '../../src/ports/store.ts';
import { DUE_CHALLENGE, MINER } from './core.ts';
import { memoryLog } from './memory-log.ts';
import { memoryMetrics } from './memory-metrics.ts';
import { systemClock } from './system-clock.ts';

export const PARTITIONS = 40;
/** Before the batch is written, while it is, when it is on disk and nothing of it was done, and when one effect was. */
export const DEATHS = ['before', 'during', 'after', 'amid'] as const;
export type Death = (typeof DEATHS)[number];

/** A line of what the process prints. */
export type Said =
	/** What the store held when the process began: works with a result, messages that count. */
	| {
			readonly type: 'recovered';
			readonly incarnation: number;
			readonly results: WorkId[];
			readonly messages: CidText[];
	  }
	| {
			readonly type: 'statement';
			readonly incarnation: number;
			readonly sequence: number;
			readonly hash: string;
			readonly result: WorkId | null;
			readonly message: CidText | null;
	  }
	| { readonly type: 'pushed'; readonly cid: CidText; readonly nonce: number; readonly partition: number }
	| { readonly type: 'done' };

const NETWORK = 'mortalnet';
const SELF = nodeId('12D3KooWBXvQwoQpTCQoSU6VVCpJBZjoxVqPmwwNMjFi2GuFNqn8');
const SENDER = secpAddress(new Uint8Array(65));
const ROLES: readonly Role[] = ['chain', 'prover', 'storage', 'submitter'];
const SECTORS = Bitfield.of([1, 2]);
const ROOT = hex32('33'.repeat(32));
const NOW = epoch(DUE_CHALLENGE.open + limits.submitDelayEpochs);
const SLOTS = ['a', 'b', 'c', 'd'];

const config: CoreConfig = {
	self: SELF,
	network: NETWORK,
	roster: {
		network: NETWORK,
		version: 1,
		miners: [{ miner: MINER, sender: SENDER }],
		peers: [{ id: SELF, name: 'self', site: 'main', weight: 1, slots: SLOTS.length, roles: ROLES, miners: [] }],
	},
	rosterHash: hex32('11'.repeat(32)),
	roles: ROLES,
	slots: SLOTS,
	slotFilters: [],
	proofTypes: [10],
	keys: hex32('22'.repeat(32)),
	epochMs: 30_000,
	epochMsGuess: 30_000,
	firstIncarnation: 1,
};

const view: ChainView = {
	miner: MINER,
	epoch: NOW,
	challenges: [
		{
			challenge: DUE_CHALLENGE,
			due: Array.from({ length: PARTITIONS }, (_, i) => ({
				partition: partitionIndex(i),
				sectorCount: SECTORS.size,
				sectorRoot: ROOT,
			})),
			posted: Bitfield.empty,
		},
	],
	// The pool shows nothing: only what this node keeps stops it from signing anew.
	sender: { address: SENDER, nonce: 0, pool: [] },
	baseFee: attoFil(100n),
};

function say(said: Said): void {
	// At once into the pipe: what is there has left the process, whenever that dies.
	writeSync(1, `${JSON.stringify(said)}\n`);
}

function die(): void {
	process.kill(process.pid, 'SIGKILL');
}

/** Counts batches, and ends the process around one of them. */
class MortalStore {
	readonly store: Store;
	#batches = 0;
	/** The batch around which to die was written: the next effect is the last. */
	dying = false;

	constructor(store: Store, lastBatch: number, death: Death) {
		const write = async (batch: readonly Write[]): Promise<void> => {
			const isLast = ++this.#batches === lastBatch;
			if (isLast && death === 'before') die();
			const written = store.write(batch);
			if (isLast && death === 'during') {
				await setImmediate();
				die();
			}
			await written;
			if (isLast && death === 'after') die();
			if (isLast) this.dying = true;
		};
		this.store = { ...portOf(store), write };
	}
}

function portOf(store: Store): Store {
	return {
		get: (key) => store.get(key),
		entries: (prefix) => store.entries(prefix),
		write: (batch) => store.write(batch),
		close: () => store.close(),
	};
}

async function main(folder: string, lastBatch: number, death: Death): Promise<void> {
	const level = await openStore(folder, SELF);
	const recovered: (readonly [string, Uint8Array])[] = [];
	for await (const entry of level.entries('')) recovered.push(entry);
	const state = createState(config, recovered);
	say({
		type: 'recovered',
		incarnation: state.identity.incarnation,
		results: recovered.flatMap(([key]) => (key.startsWith('r/') ? [key.slice(2) as WorkId] : [])),
		messages: [...state.messages.values()].map(({ submission }) => submission.cid),
	});
	const mortal = new MortalStore(level, lastBatch, death);
	const outside = new Outside(state, (event) => loop.enqueue(event));
	const loop = new Loop(
		{ store: mortal.store, clock: systemClock, log: memoryLog(), metrics: memoryMetrics() },
		{
			step: (event, now) => step(state, event, now),
			run: (effect) => {
				outside.carryOut(effect);
				if (mortal.dying && effect.type !== 'decision') die();
			},
			crashed: (_event, error) => {
				throw error;
			},
			failed: (error) => {
				throw error;
			},
			careful: () => false,
			rest: () => undefined,
		},
	);
	loop.start();
	loop.enqueue({ type: 'measured', proofType: 10, sectors: SECTORS.size, ms: 10 });
	loop.enqueue({ type: 'manifest-held', root: ROOT, sectors: SECTORS });
	loop.enqueue({ type: 'holdings', miner: MINER, sectors: SECTORS });
	loop.enqueue({ type: 'head', epoch: NOW });
	loop.enqueue({ type: 'chain-view', view });
}

/** Everything around the core answers at once. */
class Outside {
	readonly #state: State;
	readonly #enqueue: (event: Event) => void;
	readonly #pushed = new Set<number>();

	constructor(state: State, enqueue: (event: Event) => void) {
		this.#state = state;
		this.#enqueue = enqueue;
	}

	carryOut(effect: Effect): void {
		for (const answer of this.#answers(effect)) this.#enqueue(answer);
	}

	#answers(effect: Effect): readonly Event[] {
		switch (effect.type) {
			case 'publish':
				this.#publish(effect);
				return [];
			case 'gather': {
				const { id: work } = effect.work;
				return effect.shares.flatMap(({ peer, sectors }): Event[] => [
					{ type: 'gathered', work, peer, ok: sectors, failed: [] },
					{ type: 'gather-ended', work, peer, code: null },
				]);
			}
			case 'prove': {
				const proof = new Uint8Array(PROOF_BYTES).fill(effect.work.partition + 1);
				return [{ type: 'proved', work: effect.work.id, slot: effect.slot, proof, proveMs: 5 }];
			}
			case 'verify':
				return [{ type: 'verified', work: effect.work.id, hash: effect.hash, verdict: 'good' }];
			case 'find-holders':
				return [{ type: 'holders-found', miner: effect.miner, block: effect.block, peers: [] }];
			case 'prepare':
				return [
					{
						type: 'prepared',
						work: effect.work.id,
						epoch: NOW,
						randomness: effect.work.randomness,
						posted: false,
						commitEpoch: DUE_CHALLENGE.challenge,
						commitRandomness: DUE_CHALLENGE.randomness,
						gas: { limit: 1_000, feeCap: attoFil(1_000n), premium: attoFil(100n) },
					},
				];
			case 'sign':
				return [this.#signed(effect)];
			case 'push': {
				const { nonce } = effect.signed.message;
				const message = this.#state.messages.get(effect.cid);
				const partition = message?.params.partition ?? -1;
				say({ type: 'pushed', cid: effect.cid, nonce, partition });
				this.#pushed.add(partition);
				if (this.#pushed.size === PARTITIONS) say({ type: 'done' });
				return [{ type: 'pushed', cid: effect.cid, code: null }];
			}
			case 'search':
				return [{ type: 'searched', cid: effect.cid, epoch: NOW, lookup: null, posted: false }];
			default:
				return [];
		}
	}

	#publish({ envelope }: EffectOf<'publish'>): void {
		const bytes = sealEnvelope(envelope, () => new Uint8Array(64));
		say({
			type: 'statement',
			incarnation: envelope.incarnation,
			sequence: envelope.sequence,
			hash: createHash('sha256').update(bytes).digest('hex'),
			result: envelope.kind === 'res' ? envelope.body.work : null,
			message: envelope.kind === 'sub' ? envelope.body.cid : null,
		});
	}

	/** Another message in each life, so that signing anew shows. */
	#signed({ work, params, nonce, gas }: EffectOf<'sign'>): Event {
		const message: Message = {
			version: 0,
			to: minerAddress(MINER),
			from: SENDER,
			nonce,
			value: attoFil(0n),
			gasLimit: gas.limit + this.#state.identity.incarnation,
			gasFeeCap: gas.feeCap,
			gasPremium: gas.premium,
			...encodeMinerCall({ kind: 'submit-post', params }),
		};
		const signed = { message, signatureType: 1, signature: new Uint8Array(65) } as const;
		return { type: 'signed', submission: submissionOf(work, signed) };
	}
}

if (import.meta.main) {
	const [folder = '', lastBatch = '0', death = 'after'] = process.argv.slice(2);
	await main(folder, Number(lastBatch), death as Death);
}
