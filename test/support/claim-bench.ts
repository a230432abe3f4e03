/** One prover in sync among others that beacon, and items that are believed due: for the rules of claiming. */
import { workItem } from '../../src/codec/work-id.ts';
import type { CoreConfig, Decision, Effect } from '../../src/core/api.ts';
import { ranking } from '../../src/core/members.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import { hex32, partitionIndex, type WorkId } from '../../src/domain/ids.ts';
import type { Lease } from '../../src/domain/lease.ts';
import { limits } from '../../src/domain/limits.ts';
import type { NodeRecord } from '../../src/domain/record.ts';
import type { Role } from '../../src/domain/roster.ts';
import type { Challenge, WorkItem } from '../../src/domain/work.ts';
import { CoreBench, DUE_CHALLENGE, idleRecord } from './core.ts';

export const OTHERS = ['p', 'q', 'r', 's', 't', 'u', 'v', 'w'] as const;
const NOW = 165;

export interface ClaimBenchOptions {
	/** Provers beside this one. */
	readonly others?: number;
	readonly slots?: number;
	/** Roles of this node beside the prover's. */
	readonly roles?: readonly Role[];
	readonly config?: Partial<CoreConfig>;
}

export class ClaimBench extends CoreBench {
	readonly others: readonly string[];

	/** Left alone for as long as a first sync is waited for, then hears an idle record of every other prover. */
	constructor({ others = 0, slots = 1, roles = [], config = {} }: ClaimBenchOptions = {}) {
		const names = OTHERS.slice(0, others);
		super(
			{
				self: ['prover', ...roles],
				a: ['chain'],
				b: ['chain'],
				...Object.fromEntries(names.map((name) => [name, ['prover'] as const])),
			},
			config,
		);
		this.others = names;
		if (slots !== 1) this.grow('self', slots);
		while (this.now < limits.firstSyncMs) this.second();
		for (const name of this.others) this.beacon(name);
	}

	/** Gives a member more slots in the roster; this node has as many workers. */
	grow(name: string, slots: number): void {
		const { roster } = this.state.roster;
		const peers = roster.peers.map((peer) => (peer.id === this.id(name) ? { ...peer, slots } : peer));
		const version = roster.version + 1;
		this.give({ type: 'roster', roster: { ...roster, version, peers }, hash: hex32('12'.repeat(32)) });
		if (name === 'self') this.give({ type: 'slots', slots: Array.from({ length: slots }, (_, i) => `slot${i}`) });
	}

	/** A record of a prover that is in sync. */
	beacon(name: string, leases: readonly Lease[] = [], change: Partial<NodeRecord> = {}): readonly Effect[] {
		const { slots } = this.state.roster.byId.get(this.id(name)) ?? { slots: 1 };
		return this.hear(name, { kind: 'rec', body: idleRecord({ slots, leases, ...change }) }, NOW);
	}

	/** Two chain members announce the item, and its manifest is at hand. */
	announce(item: WorkItem): readonly Effect[] {
		const { id: _id, key: _key, partition, sectorCount, sectorRoot, ...challenge } = item;
		const body = { challenge, items: [{ partition, sectorCount, sectorRoot }] };
		const held = this.give({ type: 'manifest-held', root: sectorRoot, sectors: Bitfield.of([0, 1, 2, 3]) });
		const heard = ['a', 'b'].map((name) => this.hear(name, { kind: 'ann', body }, NOW));
		// The item is new with the announcement, and its manifest counts from then on.
		return [...held, ...heard.flat(), ...this.give({ type: 'manifest-held', root: sectorRoot, sectors: four })];
	}

	/** Place of this node among all provers for the item. */
	rankOf(item: WorkItem): number {
		return ranking(this.state, item.id, 'prover', item.miner).indexOf(this.state.config.self);
	}

	/** All provers, the best-ranked first. */
	namesByRank(item: WorkItem): readonly string[] {
		const names = ['self', ...this.others];
		const order = ranking(this.state, item.id, 'prover', item.miner);
		return order.map((id) => names.find((name) => this.id(name) === id) ?? '');
	}

	/** An item for which this node has this place. */
	itemOfRank(rank: number, change: Partial<Challenge> = {}): WorkItem {
		for (let partition = 0; partition < 1_000; partition++) {
			const item = itemOf(partition, change);
			if (this.rankOf(item) === rank && !this.state.works.has(item.id)) return item;
		}
		throw new Error('no item has this rank');
	}

	/** Lets time pass until the decision is made; how long that took, or null after `mostMs`. */
	msUntil(name: Decision['name'], mostMs: number, each: () => void = () => {}): number | null {
		const since = this.now;
		while (this.now - since < mostMs) {
			this.now += limits.tickMs;
			each();
			if (decided(this.give({ type: 'tick' }), name).length > 0) return this.now - since;
		}
		return null;
	}
}

const four = Bitfield.of([0, 1, 2, 3]);

export function itemOf(partition: number, change: Partial<Challenge> = {}): WorkItem {
	const due = { partition: partitionIndex(partition), sectorCount: 4, sectorRoot: hex32('33'.repeat(32)) };
	return workItem('corenet', { ...DUE_CHALLENGE, ...change }, due);
}

export function leaseOf(item: { readonly id: WorkId }, change: Partial<Lease> = {}): Lease {
	return {
		work: item.id,
		term: 1,
		backup: false,
		phase: 'prove',
		permille: 0,
		workSeconds: 0,
		replaces: null,
		...change,
	};
}

export function decided(effects: readonly Effect[], name: Decision['name']): readonly Decision[] {
	return effects.flatMap((effect) =>
		effect.type === 'decision' && effect.decision.name === name ? [effect.decision] : [],
	);
}
