/**
 * Who dies in the demo. By default the first prover that starts computing a real proof; a key chooses another kind,
 * and after that first kill each key kills one more, as long as the mesh can do without.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../../domain/limits.ts';
import type { ControlEvent } from '../../node/control-api.ts';
import type { Cluster } from './cluster.ts';
import type { ClusterNode } from './cluster-node.ts';
import type { Observer } from './observer.ts';

export type VictimKind = 'prover' | 'submitter' | 'storage' | 'full node';

export const VICTIM_KEYS: Readonly<Record<string, VictimKind>> = {
	p: 'prover',
	s: 'submitter',
	t: 'storage',
	f: 'full node',
};

/** The phase in which a proof spends most of its time has begun. */
const DEADLY_PHASE = 'synthesis';

export interface Kill {
	readonly name: string;
	readonly kind: VictimKind;
	readonly wallMs: number;
	/** Work items that the victim held a lease of. */
	readonly works: readonly string[];
}

export interface Takeover {
	readonly work: string;
	readonly by: string;
	readonly ms: number;
}

export class Victims {
	readonly kills: Kill[] = [];
	readonly #cluster: Cluster;
	readonly #observer: Observer;
	readonly #note: (text: string) => void;
	#choice: VictimKind = 'prover';
	#armed = true;
	/** Kills one after another: each looks at what the ones before have left. */
	#turn: Promise<void> = Promise.resolve();

	constructor(cluster: Cluster, observer: Observer, note: (text: string) => void) {
		this.#cluster = cluster;
		this.#observer = observer;
		this.#note = note;
	}

	/** Kills the chosen one when a prover tells that it begins to compute. */
	onEvent(event: ControlEvent, node: ClusterNode): void {
		const { phase, state } = event.facts;
		if (!this.#armed || event.type !== 'progress' || phase !== DEADLY_PHASE || state !== 'start') return;
		this.#armed = false;
		this.#enqueue(() => this.#kill(this.#choice, node));
	}

	press(kind: VictimKind): void {
		if (this.#armed) {
			this.#choice = kind;
			this.#note(`The victim will be a ${kind}.`);
			return;
		}
		this.#enqueue(() => this.#kill(kind, undefined));
	}

	/** Claims by others of what the dead held. */
	takeovers(): readonly Takeover[] {
		return this.kills.flatMap(({ name, wallMs, works }) =>
			works.flatMap((work) => {
				const claim = this.#observer.claimAfter(work, wallMs, name);
				return claim === undefined ? [] : [{ work, by: claim.node, ms: claim.wallMs - wallMs }];
			}),
		);
	}

	/** Resolves when no kill is under way. Rejects with what made one fail. */
	settled(): Promise<void> {
		return this.#turn;
	}

	#enqueue(kill: () => Promise<void>): void {
		this.#turn = this.#turn.then(kill);
		// Heard by `settled`.
		this.#turn.catch(() => undefined);
	}

	async #kill(kind: VictimKind, busy: ClusterNode | undefined): Promise<void> {
		if (kind === 'full node') return this.#freeze();
		const alive = [...this.#cluster.nodes.values()].filter(({ name, running }) => running && isKind(name, kind));
		const victim = kind === 'prover' && busy?.running === true ? busy : alive[0];
		if (victim === undefined || alive.length < 2) {
			this.#note(`No ${kind} is left that the mesh could do without.`);
			return;
		}
		const wallMs = Date.now();
		await victim.kill();
		const works = await this.#heldBy(victim);
		this.kills.push({ name: victim.name, kind, wallMs, works });
		const held = works.length === 0 ? '' : `, which held ${works.length} partitions`;
		this.#note(`Killed ${victim.name} with SIGKILL${held}.`);
	}

	/** What the others still think that the victim holds. */
	async #heldBy(victim: ClusterNode): Promise<readonly string[]> {
		const witness = [...this.#cluster.nodes.values()].find(({ running }) => running);
		const report = await witness?.claims();
		const held = report?.claims.filter(
			({ kind, result, holders }) => kind === 'post' && result === null && holders[0]?.name === victim.name,
		);
		return held?.map(({ work }) => work) ?? [];
	}

	async #freeze(): Promise<void> {
		this.kills.push({ name: 'chain', kind: 'full node', wallMs: Date.now(), works: [] });
		this.#note(`The full node answers nobody for ${limits.demoFreezeMs / 1000} s.`);
		await this.#cluster.chain.call('Devnet.Freeze', [true]);
		await sleep(limits.demoFreezeMs);
		await this.#cluster.chain.call('Devnet.Freeze', [false]);
		this.#note('The full node answers again.');
	}
}

function isKind(name: string, kind: VictimKind): boolean {
	return name.startsWith(kind === 'submitter' ? 'chain-' : kind);
}
