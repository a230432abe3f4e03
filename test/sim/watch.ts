/** Everyone who looks on while a world runs: the invariants, the progress rules, the figures and the trace. */
import type { Effect, Event } from '../../src/core/api.ts';
import type { Envelope } from '../../src/domain/envelope.ts';
import type { WorkItem } from '../../src/domain/work.ts';
import type { Write } from '../../src/domain/write.ts';
import { Invariants } from './invariants.ts';
import { Metrics } from './metrics.ts';
import type { SimNode } from './node.ts';
import { Progress } from './progress.ts';
import type { World } from './world.ts';

export class Watch {
	readonly violations: string[] = [];
	readonly metrics: Metrics;
	readonly #invariants: Invariants;
	readonly #progress: Progress;
	readonly #world: World;

	constructor(world: World) {
		this.#world = world;
		this.metrics = new Metrics(world);
		const violate = (rule: string): void => {
			if (this.violations.includes(rule)) return;
			this.violations.push(rule);
			world.trace.line(`VIOLATION ${rule}`);
		};
		this.#invariants = new Invariants(world, violate);
		this.#progress = new Progress(world, violate);
	}

	before(node: SimNode, event: Event): void {
		this.#world.trace.event(node, event);
	}

	after(node: SimNode): void {
		this.metrics.stepped(node);
	}

	observe(node: SimNode, effect: Effect): void {
		this.#world.trace.effect(node, effect);
		if (!this.#world.isHonest(node)) return;
		this.#invariants.effect(node, effect);
		this.metrics.effect(node, effect);
	}

	published(node: SimNode, envelope: Envelope): void {
		this.#invariants.published(node, envelope);
	}

	wrote(node: SimNode, batch: readonly Write[]): void {
		if (batch.length > 0 && this.#world.isHonest(node)) this.#invariants.wrote(node, batch);
	}

	lostDisk(node: SimNode): void {
		this.#invariants.lostDisk(node);
	}

	dies(node: SimNode, silent: boolean): void {
		this.metrics.dies(node, silent);
	}

	proofStarted(node: SimNode, work: WorkItem): void {
		this.metrics.proofStarted(node, work);
	}

	proofEnded(node: SimNode, work: WorkItem['id']): void {
		this.metrics.proofEnded(node, work);
	}

	proofMade(_node: SimNode, work: WorkItem): void {
		this.metrics.proofMade(work);
	}

	epoch(): void {
		this.metrics.epoch();
		this.#progress.epoch();
	}

	/** Everything that is judged in the end. */
	end(): void {
		this.#invariants.end();
		this.#progress.end();
	}
}
