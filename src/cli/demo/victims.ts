/**
 * Who dies in the demo, and when. By default the first prover that starts computing a real proof; another kind can be
 * chosen until then, and after the first kill each key kills one more, as long as the mesh can do without.
 */
import { limits } from '../../domain/limits.ts';
import type { ControlEvent } from '../../node/control-api.ts';
import type { Clock } from '../../ports/clock.ts';
import { duration } from '../render/duration.ts';
import type { Cluster } from './cluster.ts';
import type { ClusterNode } from './cluster-node.ts';
import type { ClaimSeen, Observer } from './observer.ts';
import { BOOTSTRAP, FULL_NODES } from './plan.ts';
import { FATES, VICTIM_KINDS, type VictimKind } from './victim-kinds.ts';

export interface Kill {
	readonly name: string;
	readonly wallMs: number;
	/** What the victim worked on. */
	readonly works: readonly Pick<ClaimSeen, 'work' | 'partition'>[];
}

/** Work that a death left without anybody. */
export interface Abandoned {
	readonly work: string;
	readonly partition: number;
	readonly wallMs: number;
	/** By which another node took it over. */
	readonly claim: ClaimSeen | undefined;
}

export interface VictimsOptions {
	readonly first: VictimKind;
	readonly clock: Clock;
	readonly note: (text: string) => void;
	/** Ends what is still to come. */
	readonly signal: AbortSignal;
}

export class Victims {
	readonly kills: Kill[] = [];
	readonly #cluster: Cluster;
	readonly #observer: Observer;
	readonly #options: VictimsOptions;
	#choice: VictimKind;
	#armed = true;
	readonly #passed = new Set<VictimKind>();
	/** Chain nodes whose full node is dead. */
	readonly #cutOff = new Set<string>();
	readonly #told = new Set<string>();
	/** Kills one after another: each looks at what the ones before have left. */
	#turn: Promise<void> = Promise.resolve();
	#comebacks: Promise<void> = Promise.resolve();
	#underWay = 0;

	constructor(cluster: Cluster, observer: Observer, options: VictimsOptions) {
		this.#cluster = cluster;
		this.#observer = observer;
		this.#options = options;
		this.#choice = options.first;
	}

	/** Kills the chosen one when its moment has come. */
	onEvent(event: ControlEvent, node: ClusterNode): void {
		for (const kind of VICTIM_KINDS) {
			if (!FATES[kind].moment(event)) continue;
			this.#passed.add(kind);
			if (this.#armed && kind === this.#choice) this.#strike(kind, node);
		}
	}

	press(kind: VictimKind): void {
		if (!this.#armed || this.#passed.has(kind)) {
			this.#strike(kind, undefined);
		} else if (kind !== this.#choice) {
			this.#choice = kind;
			this.#options.note(`The victim will be a ${FATES[kind].label}, ${FATES[kind].when}.`);
		}
	}

	/** What the keys do now. */
	hint(): string {
		const keys = VICTIM_KINDS.map((kind) => `${FATES[kind].key} ${FATES[kind].label}`).join(', ');
		const { label, when } = FATES[this.#choice];
		return this.#armed
			? `To be killed: a ${label}, ${when}.\nChoose another: ${keys}. Ctrl-C ends.`
			: `Kill one more: ${keys}. Ctrl-C ends.`;
	}

	/** Everything that a death left, apart from what others worked on as well, or turned out to be proven by then. */
	abandoned(): readonly Abandoned[] {
		const observer = this.#observer;
		return this.kills.flatMap(({ name, wallMs, works }) =>
			works
				.filter(({ work }) => observer.prover(work) !== this.#cluster.node(name).home.identity.id)
				.filter(({ work }) => !observer.wasShared(work, wallMs, name))
				.map((held) => ({ ...held, wallMs, claim: observer.claimAfter(held.work, wallMs, name) })),
		);
	}

	/** Notes the takeovers that were not noted yet. */
	tellTakeovers(): void {
		for (const { work, partition, wallMs, claim } of this.abandoned()) {
			if (claim === undefined || this.#told.has(work)) continue;
			this.#told.add(work);
			this.#options.note(
				`${claim.node} took partition ${partition} over ${duration(claim.wallMs - wallMs)} after the kill.`,
			);
		}
	}

	/** Nobody is being killed or coming back. */
	get idle(): boolean {
		return this.#underWay === 0;
	}

	/** Resolves when nobody is being killed or coming back. Rejects with what made one of both fail. */
	async settled(): Promise<void> {
		await this.#turn;
		await this.#comebacks;
	}

	/** A node that sees the chain: it knows all there is to show. */
	witness(): ClusterNode | undefined {
		return this.#able('submitter').at(-1);
	}

	#strike(kind: VictimKind, node: ClusterNode | undefined): void {
		this.#armed = false;
		this.#turn = this.#track(this.#turn.then(() => this.#kill(kind, node)));
	}

	#track(task: Promise<void>): Promise<void> {
		this.#underWay++;
		// Its failure is heard by `settled`.
		void task.catch(() => undefined).then(() => this.#underWay--);
		return task;
	}

	/** Who could be killed: alive, and of use. */
	#able(kind: VictimKind): readonly ClusterNode[] {
		const prefix = kind === 'submitter' || kind === 'full-node' ? 'chain-' : kind;
		return [...this.#cluster.nodes.values()].filter(
			({ name, running }) => running && name.startsWith(prefix) && !this.#cutOff.has(name),
		);
	}

	async #kill(kind: VictimKind, chosen: ClusterNode | undefined): Promise<void> {
		const able = this.#able(kind);
		const victim = able.find((node) => node === chosen) ?? able[0];
		if (victim === undefined || able.length < 2) {
			this.#options.note(`No ${FATES[kind].label} is left that the mesh could do without.`);
		} else if (kind === 'full-node') {
			await this.#cutOffFrom(victim);
		} else {
			await this.#killNode(victim);
			if (kind === 'storage') this.#comeBack(victim);
		}
	}

	async #killNode(victim: ClusterNode): Promise<void> {
		const wallMs = this.#options.clock.wallMs();
		await victim.kill();
		const works = this.#observer.died(victim.name, wallMs).map(({ work, partition }) => ({ work, partition }));
		this.kills.push({ name: victim.name, wallMs, works });
		const list = works.map(({ partition }) => partition).join(', ');
		const held = works.length === 0 ? '' : ` while it worked on partition${works.length > 1 ? 's' : ''} ${list}`;
		this.#options.note(`Killed ${victim.name} with SIGKILL${held}.`);
	}

	/** As a supervisor would do it: some sectors are nowhere else, so that without it they would be lost. */
	#comeBack(victim: ClusterNode): void {
		const { clock, note, signal } = this.#options;
		note(
			`Sectors that only ${victim.name} holds have to wait: it is started again in ${duration(limits.demoRestartMs)}.`,
		);
		const back = async (): Promise<void> => {
			await clock.sleep(limits.demoRestartMs, signal);
			await this.#cluster.startNodes([victim.name], this.#cluster.node(BOOTSTRAP).addresses);
			note(`${victim.name} is back.`);
		};
		this.#comebacks = this.#track(Promise.all([this.#comebacks, back()]).then(() => undefined));
	}

	async #cutOffFrom(victim: ClusterNode): Promise<void> {
		const { name } = victim;
		this.#cutOff.add(name);
		this.kills.push({ name: `full node of ${name}`, wallMs: this.#options.clock.wallMs(), works: [] });
		await this.#cluster.chain.call('Devnet.KillFullNode', [FULL_NODES[name]]);
		this.#options.note(`Killed the full node of ${name}: its connections are cut.`);
	}
}
