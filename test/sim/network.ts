/**
 * What lies between the machines: delays, losses, repeats, cuts in one direction, and connections that are given up when
 * nothing comes back and dialled again when it does. Everything posted is shared by all who receive it.
 */
import type { Envelope } from '../../src/domain/envelope.ts';
import type { NodeId } from '../../src/domain/ids.ts';
import type { Heap } from './heap.ts';
import type { SimNode } from './node.ts';
import type { Random } from './random.ts';

/** A silent connection is given up within this (ping every 2.5 s, timeout 6 s), a healed one is dialled again within that. */
const HANG_UP_MS = [6_000, 8_500] as const;
const DIAL_MS = [20, 300] as const;
const REDIAL_MS = [250, 5_000] as const;
const RESET_MS = [1, 30] as const;
const CALL_TIMEOUT_MS = 5_000;
/** Up to so many machines everyone dials everyone; beyond, each has so many neighbours. */
const FULL_MESH = 30;
const NEIGHBOURS = 24;
/** One-way delays in per mille of their 99th percentile, equally likely, and how many times that a rare one takes. */
const DELAYS = [120, 150, 180, 200, 220, 250, 270, 300, 330, 360, 400, 440, 490, 550, 620, 720, 850, 990];
const RARE_PERMILLE = 10;
const RARE_FACTOR = 3;

interface Weather {
	readonly lossPermille: number;
	readonly duplicatePermille: number;
	readonly delayFactor: number;
}

export class Network {
	readonly #heap: Heap;
	readonly #random: Random;
	readonly #delayMs: number;
	readonly #nodes: readonly SimNode[];
	readonly #size: number;
	/** By ordered pair: how many cuts lie between, and whether the first sees a connection to the second. */
	readonly #cuts: Uint8Array;
	readonly #connected: Uint8Array;
	readonly #watched: Uint8Array;
	readonly #weathers = new Set<Weather>();
	#weather: Weather = { lossPermille: 0, duplicatePermille: 0, delayFactor: 1 };
	/** Messages and bytes sent, each counted once however many hear it. */
	messages = 0;
	bytes = 0;

	constructor(heap: Heap, random: Random, nodes: readonly SimNode[], delayMs: number) {
		this.#heap = heap;
		this.#random = random;
		this.#nodes = nodes;
		this.#delayMs = delayMs;
		this.#size = nodes.length;
		this.#cuts = new Uint8Array(this.#size ** 2);
		this.#connected = new Uint8Array(this.#size ** 2);
		this.#watched = new Uint8Array(this.#size ** 2);
	}

	// ---------------------------------------------------------------------------------------------------------- messages

	#delay(): number {
		const { delayFactor } = this.#weather;
		const base = Math.ceil((this.#random.pick(DELAYS) * this.#delayMs * delayFactor) / 1_000);
		return this.#random.chance(RARE_PERMILLE) ? base * RARE_FACTOR : base;
	}

	/** To every other machine, or to those for whom `isFor` holds, with the network's losses and repeats. */
	gossip(from: SimNode, envelope: Envelope, raw: Uint8Array, isFor?: (peer: SimNode) => boolean): void {
		const event = Object.freeze({ type: 'statement' as const, envelope, raw, relay: from.id, ageMs: 0 });
		const { lossPermille, duplicatePermille } = this.#weather;
		this.messages++;
		this.bytes += raw.length;
		for (const peer of this.#nodes) {
			if (peer === from || !peer.up || (isFor !== undefined && !isFor(peer))) continue;
			if (!peer.isAwake && !this.isConnected(from, peer)) continue;
			const hops = this.carries(from, peer) ? 1 : this.#relay(from, peer) ? 2 : 0;
			if (hops === 0 || (lossPermille > 0 && this.#random.chance(lossPermille))) continue;
			this.#heap.post(hops * this.#delay(), peer, event);
			if (duplicatePermille > 0 && this.#random.chance(duplicatePermille)) {
				this.#heap.post(hops * this.#delay(), peer, event);
			}
		}
	}

	/** Gossip goes round a cut when somebody hears the one and is heard by the other. */
	#relay(from: SimNode, to: SimNode): boolean {
		const start = this.#random.next() % this.#size;
		for (let i = 0; i < this.#size; i++) {
			const via = this.#nodes[(start + i) % this.#size] as SimNode;
			if (via.isAwake && this.carries(from, via) && this.carries(via, to)) return true;
		}
		return false;
	}

	/** One request and its answer; null when either side is gone or a message is lost. */
	call<T>(
		from: SimNode,
		to: SimNode,
		ask: (reply: (answer: T, bytes: number) => void) => void,
		done: (a: T | null) => void,
	): void {
		let settled = false;
		const settle = (answer: T | null): void => {
			if (settled) return;
			settled = true;
			done(answer);
		};
		from.later(from.clock.worldMs(CALL_TIMEOUT_MS), () => settle(null));
		this.messages++;
		this.#heap.after(this.#delay(), () => {
			if (!to.up || !this.carries(from, to)) return;
			ask((answer, bytes) => {
				this.messages++;
				this.bytes += bytes;
				this.#heap.after(this.#delay(), () => {
					if (this.carries(to, from)) from.later(0, () => settle(answer));
				});
			});
		});
	}

	/** Messages pass from the one to the other. */
	carries(from: SimNode, to: SimNode): boolean {
		return this.#cuts[from.index * this.#size + to.index] === 0;
	}

	/** Both are up and hear each other. */
	reaches(a: SimNode, b: SimNode): boolean {
		return a === b || (a.isAwake && b.isAwake && this.carries(a, b) && this.carries(b, a));
	}

	// ------------------------------------------------------------------------------------------------------------- faults

	/** Messages of these do not reach those any more, or reach them again. */
	cut(from: Iterable<number>, to: readonly number[], by: 1 | -1): void {
		for (const a of from) {
			for (const b of to) {
				if (a === b) continue;
				this.#cuts[a * this.#size + b] = (this.#cuts[a * this.#size + b] ?? 0) + by;
				this.#watch(this.#nodes[a] as SimNode, this.#nodes[b] as SimNode);
			}
		}
	}

	/** Nothing passes between these machines and the others any more, or it passes again. */
	split(side: readonly number[], by: 1 | -1): void {
		const others = this.#nodes.flatMap(({ index }) => (side.includes(index) ? [] : [index]));
		this.cut(side, others, by);
		this.cut(others, side, by);
	}

	begin(weather: Weather): void {
		this.#weathers.add(weather);
		this.#changeWeather();
	}

	end(weather: Weather): void {
		this.#weathers.delete(weather);
		this.#changeWeather();
	}

	#changeWeather(): void {
		const all = [...this.#weathers];
		this.#weather = {
			lossPermille: Math.max(0, ...all.map(({ lossPermille }) => lossPermille)),
			duplicatePermille: Math.max(0, ...all.map(({ duplicatePermille }) => duplicatePermille)),
			delayFactor: Math.max(1, ...all.map(({ delayFactor }) => delayFactor)),
		};
	}

	// -------------------------------------------------------------------------------------------------------- connections

	/** The machine came up, went down silently, stood still or goes on: its connections follow. */
	changed(node: SimNode): void {
		for (const peer of this.#nodes) if (peer !== node) this.#watch(node, peer);
	}

	/** Its process died in sight of the others: they notice at once. */
	reset(node: SimNode): void {
		for (const peer of this.#nodes) {
			if (peer === node || !this.isConnected(peer, node) || !this.carries(node, peer)) continue;
			this.#heap.after(this.#random.between(...RESET_MS), () => {
				this.#hangUp(peer, node, 'reset');
				// It may be back already.
				this.#watch(peer, node);
			});
		}
		this.forget(node);
	}

	/** A new process has no connection. */
	forget(node: SimNode): void {
		for (let i = 0; i < this.#size; i++) this.#connected[node.index * this.#size + i] = 0;
	}

	isConnected(a: SimNode, b: SimNode): boolean {
		return this.#connected[a.index * this.#size + b.index] === 1;
	}

	/** Looks at the pair once it has had time to notice the change. */
	#watch(a: SimNode, b: SimNode): void {
		const [low, high] = a.index < b.index ? [a, b] : [b, a];
		const pair = low.index * this.#size + high.index;
		if (this.#watched[pair] === 1 || !this.#areNeighbours(low, high)) return;
		const wanted = this.reaches(low, high);
		if (wanted === this.isConnected(low, high) && wanted === this.isConnected(high, low)) return;
		this.#watched[pair] = 1;
		const first = low.isFresh || high.isFresh;
		const range: readonly [number, number] = wanted ? (first ? DIAL_MS : REDIAL_MS) : HANG_UP_MS;
		this.#heap.after(this.#random.between(...range), () => {
			this.#watched[pair] = 0;
			if (this.reaches(low, high) !== wanted) {
				this.#watch(low, high);
				return;
			}
			for (const [here, there] of [
				[low, high],
				[high, low],
			] as const) {
				if (!wanted) this.#hangUp(here, there, 'closed');
				else if (!this.isConnected(here, there)) {
					this.#connected[here.index * this.#size + there.index] = 1;
					here.give({ type: 'connected', peer: there.id });
				}
			}
		});
	}

	#hangUp(here: SimNode, there: SimNode, cause: 'reset' | 'closed'): void {
		if (!here.up || !this.isConnected(here, there)) return;
		this.#connected[here.index * this.#size + there.index] = 0;
		here.give({ type: 'disconnected', peer: there.id, cause });
	}

	/** In large meshes a ring with chords: every machine has the same number of neighbours. */
	#areNeighbours(low: SimNode, high: SimNode): boolean {
		if (this.#size <= FULL_MESH) return true;
		const distance = Math.min(high.index - low.index, this.#size - (high.index - low.index));
		return distance <= NEIGHBOURS / 4 || distance % Math.ceil((2 * this.#size) / NEIGHBOURS) === 0;
	}

	/** Who could be asked by the other in the directory. */
	reachable(from: SimNode, among: readonly SimNode[]): readonly NodeId[] {
		return among.filter((peer) => this.reaches(from, peer)).map(({ id }) => id);
	}
}
