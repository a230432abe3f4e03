/** Does to a world what its plan says, when it says so. */
import { Byzantine } from './byzantine.ts';
import type { Fault, FaultKind } from './faults.ts';
import type { SimNode } from './node.ts';
import type { World } from './world.ts';

export class Nemesis {
	readonly #world: World;

	constructor(world: World) {
		this.#world = world;
	}

	begin(): void {
		for (const fault of this.#world.plan.faults) {
			if (fault.kind === 'byzantine') {
				const node = this.#node(fault);
				const liar = new Byzantine(node, fault.lie);
				this.#world.liars.set(node, liar);
				if (fault.lie === 'flooder') liar.flood();
				if (fault.lie === 'staller') liar.stall();
			} else if (fault.kind !== 'clock') {
				this.#world.heap.after(fault.at, () => this.#strike(fault));
			}
		}
	}

	#node({ node }: { readonly node: number }): SimNode {
		return this.#world.nodes[node] as SimNode;
	}

	/** The fault begins, and ends when its time is over. */
	#strike(fault: Fault): void {
		const world = this.#world;
		world.trace.line(`FAULT ${JSON.stringify(fault)}`);
		const { heap, network } = world;
		const later = (until: number, run: () => void): void => heap.after(Math.max(0, until - heap.now), run);
		switch (fault.kind) {
			case 'crash':
			case 'power': {
				const node = this.#node(fault);
				if (world.crash(node, fault.kind === 'power') && fault.until !== null) {
					later(fault.until, () => world.startNode(node));
				}
				return;
			}
			case 'disk-loss': {
				const node = this.#node(fault);
				if (!world.crash(node)) return;
				node.disk.wipe();
				world.watch.lostDisk(node);
				later(fault.until, () => world.startNode(node));
				return;
			}
			case 'pause': {
				const node = this.#node(fault);
				const { life } = node;
				if (!world.pause(node)) return;
				later(fault.until, () => {
					if (node.life === life) world.resume(node);
				});
				return;
			}
			case 'split':
				network.split(fault.side, 1);
				later(fault.until, () => network.split(fault.side, -1));
				return;
			case 'flap':
				this.#flap(fault, false);
				return;
			case 'cut':
				network.cut(fault.from, fault.to, 1);
				later(fault.until, () => network.cut(fault.from, fault.to, -1));
				return;
			case 'weather':
				network.begin(fault);
				later(fault.until, () => network.end(fault));
				return;
			case 'disk': {
				const { disk } = this.#node(fault);
				disk.stalledUntil = Math.max(disk.stalledUntil, fault.until);
				return;
			}
			case 'null-rounds':
				world.chain.nullRounds += fault.count;
				return;
			case 'reorg':
				world.chain.fork(fault.depth, fault.nodes, fault.idle);
				return;
			case 'outage':
				this.#outage(fault, later);
				return;
			case 'stale': {
				const { fullNode } = this.#node(fault);
				if (fullNode === null) return;
				fullNode.stale++;
				later(fault.until, () => fullNode.stale--);
				return;
			}
			case 'pool-loss':
				world.pools.lossPermille += fault.permille;
				later(fault.until, () => {
					world.pools.lossPermille -= fault.permille;
				});
				return;
			case 'pool-wipe':
				this.#node(fault).fullNode?.pool.clear();
				return;
			case 'base-fee': {
				const factor = BigInt(fault.factor);
				world.chain.baseFee *= factor;
				later(fault.until, () => {
					world.chain.baseFee /= factor;
				});
				return;
			}
			case 'out-of-gas':
				world.chain.outOfGas += fault.count;
				return;
			case 'child-crash':
				this.#node(fault).prover.fail('native-died');
				return;
			case 'straggle':
			case 'hang':
			case 'wrong-proof':
			case 'slot-loss':
				this.#spoilProver(fault, later);
				return;
			case 'storage-slow':
			case 'storage-refuse':
			case 'storage-lie':
			case 'storage-offline': {
				const { storage } = this.#node(fault);
				const trouble = STORAGE_TROUBLES[fault.kind];
				storage[trouble]++;
				later(fault.until, () => storage[trouble]--);
				return;
			}
			case 'clock':
			case 'byzantine':
				return;
		}
	}

	#flap(fault: Extract<Fault, { kind: 'flap' }>, isSplit: boolean): void {
		const { heap, network } = this.#world;
		const isOver = heap.now >= fault.until;
		if (isOver && !isSplit) return;
		network.split(fault.side, isSplit ? -1 : 1);
		if (!isOver) heap.after(Math.min(fault.periodMs, fault.until - heap.now), () => this.#flap(fault, !isSplit));
	}

	#outage(fault: Extract<Fault, { kind: 'outage' | 'stale' }>, later: Later): void {
		const node = this.#node(fault);
		const { fullNode } = node;
		if (fullNode === null) return;
		if (fullNode.down++ === 0) node.give({ type: 'chain-lost' });
		later(fault.until, () => {
			if (--fullNode.down > 0) return;
			fullNode.follow();
			node.showHead();
		});
	}

	#spoilProver(fault: Extract<Fault, { kind: 'straggle' | 'hang' | 'wrong-proof' | 'slot-loss' }>, later: Later): void {
		const node = this.#node(fault);
		const trouble = PROVER_TROUBLES[fault.kind];
		const change = (by: 1 | -1): void => {
			node.prover[trouble] += by;
			if (fault.kind === 'slot-loss') node.give({ type: 'slots', slots: node.prover.slots() });
			if (fault.kind === 'hang' && by === -1) node.prover.fail('native-died');
		};
		change(1);
		later(fault.until, () => change(-1));
	}
}

type Later = (until: number, run: () => void) => void;

const PROVER_TROUBLES = {
	straggle: 'straggling',
	hang: 'hanging',
	'wrong-proof': 'wrong',
	'slot-loss': 'lostSlots',
} as const satisfies Partial<Record<FaultKind, string>>;

const STORAGE_TROUBLES = {
	'storage-slow': 'slow',
	'storage-refuse': 'refusing',
	'storage-lie': 'lying',
	'storage-offline': 'offline',
} as const satisfies Partial<Record<FaultKind, string>>;
