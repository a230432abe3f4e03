/** One core by itself: a roster of named members, and statements of theirs in order. */
import { secpAddress } from '../../src/codec/address.ts';
import { sealEnvelope } from '../../src/codec/envelope.ts';
import type { CoreConfig, Effect, Event } from '../../src/core/api.ts';
import { createState, type State, step } from '../../src/core/poster.ts';
import type { Envelope, EnvelopeBody } from '../../src/domain/envelope.ts';
import { type ActorId, actorId, deadlineIndex, epoch, hex32, type NodeId, nodeId } from '../../src/domain/ids.ts';
import type { NodeRecord } from '../../src/domain/record.ts';
import type { Role, Roster } from '../../src/domain/roster.ts';
import type { Challenge } from '../../src/domain/work.ts';
import type { Write } from '../../src/domain/write.ts';

export const MINER: ActorId = actorId(1000);
const NETWORK = 'corenet';

/** Challenge of deadline 3 of `MINER`. */
export const DUE_CHALLENGE: Challenge = {
	kind: 'post',
	nonce: 0,
	miner: MINER,
	periodStart: epoch(0),
	deadline: deadlineIndex(3),
	challenge: epoch(160),
	open: epoch(180),
	close: epoch(240),
	randomness: hex32('5b'.repeat(31).concat('1b')),
	proofType: 10,
};

export class CoreBench {
	readonly ids = new Map<string, NodeId>();
	state: State;
	readonly disk = new Map<string, Uint8Array>();
	now = 0;
	#sequence = 0;

	/** The first member is the node itself. */
	constructor(members: Readonly<Record<string, readonly Role[]>>, change: Partial<CoreConfig> = {}) {
		for (const [i, name] of Object.keys(members).entries()) this.ids.set(name, nodeId(`12Core${'abcdefghij'[i]}`));
		const roster = this.rosterOf(members, 1);
		const [self] = roster.peers;
		if (self === undefined) throw new Error('no members');
		const config: CoreConfig = {
			self: self.id,
			network: NETWORK,
			roster,
			rosterHash: hex32('11'.repeat(32)),
			roles: self.roles,
			slots: self.roles.includes('prover') ? ['slot0'] : [],
			slotFilters: [],
			proofTypes: [10],
			keys: hex32('22'.repeat(32)),
			epochMs: 30_000,
			epochMsGuess: 30_000,
			firstIncarnation: 1,
			...change,
		};
		this.state = createState(config, []);
		this.give({ type: 'tick' });
	}

	rosterOf(members: Readonly<Record<string, readonly Role[]>>, version: number): Roster {
		const peers = Object.entries(members).map(([name, roles]) => ({
			id: this.id(name),
			name,
			site: 'bench',
			weight: 1,
			slots: 1,
			roles,
			miners: [],
		}));
		return { network: NETWORK, version, miners: [{ miner: MINER, sender: secpAddress(new Uint8Array(65)) }], peers };
	}

	/** The process is killed and started again on the same disk. */
	restart(): void {
		this.state = createState(
			this.state.config,
			[...this.disk].sort(([x], [y]) => (x < y ? -1 : 1)),
		);
		this.give({ type: 'tick' });
	}

	id(name: string): NodeId {
		const id = this.ids.get(name);
		if (id === undefined) throw new Error(`no member is called ${name}`);
		return id;
	}

	give(event: Event): readonly Effect[] {
		const { persist, after } = step(this.state, event, this.now);
		for (const write of persist) this.#write(write);
		return after;
	}

	/** Lets a second pass. */
	second(): readonly Effect[] {
		const effects: Effect[] = [];
		for (let i = 0; i < 4; i++) {
			this.now += 250;
			effects.push(...this.give({ type: 'tick' }));
		}
		return effects;
	}

	/** A statement of a member, newer than all before it. */
	hear(name: string, body: EnvelopeBody, at: number): readonly Effect[] {
		return this.#deliver(name, body, at, this.#sequence++);
	}

	/** The same with a sequence of its own. */
	hearAs(name: string, body: EnvelopeBody, at: number, sequence: number): readonly Effect[] {
		return this.#deliver(name, body, at, sequence);
	}

	/** The same, handed on by another member. */
	hearBy(relay: string, name: string, body: EnvelopeBody, at: number): readonly Effect[] {
		return this.#deliver(name, body, at, this.#sequence++, this.id(relay));
	}

	#deliver(name: string, body: EnvelopeBody, at: number, sequence: number, by?: NodeId): readonly Effect[] {
		const from = this.id(name);
		const envelope = { network: NETWORK, from, incarnation: 1, sequence, epoch: epoch(at), ...body } as Envelope;
		return this.give({ type: 'statement', envelope, raw: seal(envelope), relay: by ?? from, ageMs: 0 });
	}

	#write(write: Write): void {
		if (write.type === 'put') this.disk.set(write.key, write.value);
		else this.disk.delete(write.key);
	}
}

/** Its bytes as they would lie on a disk; nobody here looks at signatures. */
function seal(envelope: Envelope): Uint8Array {
	return sealEnvelope(envelope, () => new Uint8Array(64));
}

export function published(effects: readonly Effect[], kind: Envelope['kind']): readonly Envelope[] {
	return effects.flatMap((effect) =>
		effect.type === 'publish' && effect.envelope.kind === kind ? [effect.envelope] : [],
	);
}

/** Record of a prover in sync that does nothing. */
export function idleRecord(change: Partial<NodeRecord> = {}): NodeRecord {
	return {
		rosterVersion: 1,
		rosterHash: hex32('11'.repeat(32)),
		slots: 1,
		idle: 1,
		health: 0,
		chain: false,
		synced: true,
		keys: null,
		estimates: [],
		leases: [],
		ended: [],
		have: [],
		submissions: [],
		objections: [],
		suspects: [],
		...change,
	};
}
