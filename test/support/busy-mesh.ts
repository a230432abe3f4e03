/**
 * What one prover of a large mesh hears: the partitions of one deadline from two chain nodes, their manifests, records of
 * all members with leases, results. Its own effects are not answered.
 */
import { secpAddress } from '../../src/codec/address.ts';
import { sealEnvelope } from '../../src/codec/envelope.ts';
import { resultHash, sha256Hex, workItem } from '../../src/codec/work-id.ts';
import type { CoreConfig, Event } from '../../src/core/api.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import type { Envelope, EnvelopeBody } from '../../src/domain/envelope.ts';
import { epoch, hex32, type NodeId, nodeId, partitionIndex } from '../../src/domain/ids.ts';
import { limits } from '../../src/domain/limits.ts';
import { PROOF_BYTES } from '../../src/domain/proof.ts';
import type { Role, RosterPeer } from '../../src/domain/roster.ts';
import type { DuePartition, WorkItem } from '../../src/domain/work.ts';
import { DUE_CHALLENGE, MINER } from './core.ts';

const NETWORK = 'busynet';
const EPOCH = epoch(190);
const SIGNATURE = new Uint8Array(64);
const SECTORS = 2349;

export interface Busy {
	readonly partitions: number;
	readonly members: number;
}

export interface TimedEvent {
	readonly event: Event;
	readonly now: number;
}

export class BusyMesh {
	readonly config: CoreConfig;
	readonly items: readonly WorkItem[];
	readonly #peers: readonly RosterPeer[];
	readonly #sequences = new Map<NodeId, number>();
	#now = 0;

	constructor({ partitions, members }: Busy) {
		this.#peers = Array.from({ length: members }, (_, i) => ({
			id: nodeId(`12D3KooW${'Busy'.repeat(9)}${'abcdefghij'[i % 10]}${'ABCDEFGHJK'[Math.floor(i / 10) % 10]}`),
			name: `node-${i}`,
			site: 'main',
			weight: 1,
			slots: 1,
			roles: (i < 2 ? ['chain', 'submitter'] : i < 10 ? ['storage'] : ['prover']) as readonly Role[],
			miners: [],
		}));
		const sorted = [...this.#peers].sort((a, b) => (a.id < b.id ? -1 : 1));
		const miners = [{ miner: MINER, sender: secpAddress(new Uint8Array(65)) }];
		this.config = {
			self: (this.#peers.at(-1) as RosterPeer).id,
			network: NETWORK,
			roster: { network: NETWORK, version: 1, miners, peers: sorted },
			rosterHash: hex32('11'.repeat(32)),
			roles: ['prover'],
			slots: ['slot0'],
			slotFilters: [],
			proofTypes: [10],
			keys: hex32('22'.repeat(32)),
			epochMs: 30_000,
			epochMsGuess: 30_000,
			firstIncarnation: 1,
		};
		this.items = Array.from({ length: partitions }, (_, i) => workItem(NETWORK, DUE_CHALLENGE, dueAt(i)));
	}

	/** Everything until all partitions are known, held and worked on, every third of them proven. */
	*beginning(): Generator<TimedEvent> {
		yield this.#at(250, { type: 'tick' });
		for (const { id } of this.#peers.slice(0, -1)) yield this.#at(1, { type: 'connected', peer: id });
		for (const { id } of this.#peers.slice(0, -1)) yield this.record(id, 1);
		yield this.#at(5_000, { type: 'tick' });
		for (let from = 0; from < this.items.length; from += limits.announcementItems) {
			const items = this.items.slice(from, from + limits.announcementItems).map(({ partition }) => dueAt(partition));
			const body = { challenge: DUE_CHALLENGE, items };
			for (const { id } of this.#peers.slice(0, 2)) yield this.#says(id, 5, { kind: 'ann', body });
		}
		for (const { partition } of this.items) {
			const start = partition * 3_000;
			const sectors = Bitfield.ofRuns([
				{ start, end: start + 1_000 },
				{ start: start + 1_100, end: start + 1_100 + SECTORS - 1_000 },
			]);
			yield this.#at(1, { type: 'manifest-held', root: dueAt(partition).sectorRoot, sectors });
		}
		for (const [i, item] of this.items.entries()) if (i % 3 === 0) yield* this.result(item, i);
	}

	/** `seconds` of ordinary life: ticks, a record of each member every 3 s, now and then a result. */
	*life(seconds: number): Generator<TimedEvent> {
		const others = this.#peers.slice(0, -1);
		const tickEvery = limits.tickMs;
		let spoken = 0;
		for (let ms = 0; ms < seconds * 1_000; ms += tickEvery) {
			yield this.#at(tickEvery, { type: 'tick' });
			const until = Math.floor((ms * others.length) / 3_000);
			for (; spoken < until; spoken++) {
				const { id } = others[spoken % others.length] as RosterPeer;
				yield this.record(id, spoken);
				if (spoken % 20 === 0) {
					const index = spoken % this.items.length;
					yield* this.result(this.items[index] as WorkItem, spoken + this.items.length);
				}
			}
			if (ms % 30_000 === 0) yield this.#at(1, { type: 'head', epoch: epoch(EPOCH + ms / 30_000) });
		}
	}

	*result(item: WorkItem, attempt: number): Generator<TimedEvent> {
		const proof = new Uint8Array(PROOF_BYTES).fill(attempt & 0xff);
		new DataView(proof.buffer).setUint32(0, attempt);
		const prover = (this.#peers[10 + (attempt % (this.#peers.length - 11))] as RosterPeer).id;
		const body = { work: item.id, proof, skipped: Bitfield.empty, refusals: [], proveMs: 4_000 };
		yield this.#says(prover, 1, { kind: 'res', body: body as never });
		const hash = resultHash(proof, Bitfield.empty);
		yield this.#at(5, { type: 'verified', work: item.id, hash, verdict: 'good' });
	}

	record(id: NodeId, turn: number): TimedEvent {
		const index = this.#peers.findIndex((peer) => peer.id === id);
		const work = this.items[(index * 37 + Math.floor(turn / 100)) % this.items.length] as WorkItem;
		const lease = {
			work: work.id,
			term: 1,
			backup: false,
			phase: 'prove' as const,
			permille: turn % 1_000,
			workSeconds: turn % 100,
			replaces: null,
		};
		return this.#says(id, 1, {
			kind: 'rec',
			body: {
				rosterVersion: 1,
				rosterHash: hex32('11'.repeat(32)),
				slots: index < 10 ? 0 : 1,
				idle: 0,
				health: 0,
				chain: index < 2,
				synced: true,
				keys: hex32('22'.repeat(32)),
				estimates: [],
				leases: index < 10 || turn === 1 ? [] : [lease],
				ended: [],
				have: [{ key: work.key, partitions: Bitfield.of([0, 3, 6, 9, 12, index]) }],
				submissions: [],
				objections: [],
				suspects: [],
			},
		});
	}

	#says(from: NodeId, ms: number, body: EnvelopeBody): TimedEvent {
		const sequence = this.#sequences.get(from) ?? 0;
		this.#sequences.set(from, sequence + 1);
		const envelope = { network: NETWORK, from, incarnation: 1, sequence, epoch: EPOCH, ...body } as Envelope;
		const raw = sealEnvelope(envelope, () => SIGNATURE);
		return this.#at(ms, { type: 'statement', envelope, raw, relay: from, ageMs: 0 });
	}

	#at(ms: number, event: Event): TimedEvent {
		this.#now += ms;
		return { event, now: this.#now };
	}
}

function dueAt(index: number): DuePartition {
	const sectorRoot = sha256Hex(new TextEncoder().encode(`partition ${index}`));
	return { partition: partitionIndex(index), sectorCount: SECTORS, sectorRoot };
}
