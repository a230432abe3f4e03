/** What was decided and done, in the order in which it happened: for people who look for a fault, and for stories. */
import type { Effect, Event } from '../../src/core/api.ts';
import type { NodeId, WorkId } from '../../src/domain/ids.ts';
import type { SimNode } from './node.ts';
import type { World } from './world.ts';

const TIME_CHARS = 8;
const NAME_CHARS = 12;
const ID_CHARS = 6;

/** What a machine decided or complained of. */
export interface Happening {
	readonly at: number;
	readonly node: string;
	readonly name: string;
	readonly reason: string;
	readonly peer: string | null;
	readonly work: WorkId | null;
}

export class Trace {
	readonly lines: string[] = [];
	readonly happenings: Happening[] = [];
	readonly #world: World;
	readonly #kept: boolean;

	constructor(world: World, kept: boolean) {
		this.#world = world;
		this.#kept = kept;
	}

	line(text: string): void {
		if (!this.#kept) return;
		const { heap, chain } = this.#world;
		this.lines.push(`${String(heap.now).padStart(TIME_CHARS)} e${chain.epoch} ${text}`);
	}

	note(node: SimNode, text: string): void {
		if (this.#kept) this.line(`${this.#world.nameOf(node.id).padEnd(NAME_CHARS)} ${text}`);
	}

	/** Events other than the two most frequent. */
	event(node: SimNode, event: Event): void {
		if (this.#kept && event.type !== 'tick' && event.type !== 'statement') this.note(node, `  <- ${event.type}`);
	}

	effect(node: SimNode, effect: Effect): void {
		if (!this.#kept) return;
		if (effect.type === 'decision') {
			const { name, reason, work, peer, facts } = effect.decision;
			this.#happened(node, name, reason, peer ?? null, work ?? null);
			const other = peer === undefined ? '' : this.#world.nameOf(peer);
			this.note(node, `${name} ${reason} ${work?.slice(0, ID_CHARS) ?? ''} ${other} ${JSON.stringify(facts ?? {})}`);
		} else if (effect.type === 'alarm') {
			const { code, subject, facts } = effect.alarm;
			this.#happened(node, 'alarm', code, null, null);
			this.note(node, `ALARM ${code} ${subject.slice(0, 2 * ID_CHARS)} ${JSON.stringify(facts)}`);
		}
	}

	#happened(node: SimNode, name: string, reason: string, peer: NodeId | null, work: WorkId | null): void {
		const { heap } = this.#world;
		const other = peer === null ? null : this.#world.nameOf(peer);
		this.happenings.push({ at: heap.now, node: this.#world.nameOf(node.id), name, reason, peer: other, work });
	}
}
