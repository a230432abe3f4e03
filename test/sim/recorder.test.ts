import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Step } from '../../src/core/api.ts';
import { step } from '../../src/core/poster.ts';
import { decodeSnapshot, encodeSnapshot } from '../../src/core/snapshot.ts';
import type { MonoMs } from '../../src/domain/ids.ts';
import { coreVersion } from '../../src/node/recorder/core-version.ts';
import { Recorder } from '../../src/node/recorder/recorder.ts';
import { SegmentFiles } from '../../src/node/recorder/segment-files.ts';
import { cli } from '../support/cli.ts';
import { memoryLog } from '../support/memory-log.ts';
import { memoryMetrics } from '../support/memory-metrics.ts';
import { replayed } from '../support/recording.ts';
import { systemClock } from '../support/system-clock.ts';
import { FAULT_CLASSES } from './faults.ts';
import type { SimNode } from './node.ts';
import { drawPlan } from './plan.ts';
import { World } from './world.ts';

const root = await mkdtemp(join(tmpdir(), 'poster-sim-recorder-'));
after(() => rm(root, { recursive: true, force: true }));
const OTHER_CORE = 'cd'.repeat(32);
const metrics = memoryMetrics();

/** Recorders of the lives of machines that begin at or after a moment; each drives a core of its own. */
class Recorders {
	readonly world: World;
	readonly #core: string;
	readonly #fromMs: number;
	readonly #change: (made: Step) => Step;
	readonly #lives = new Map<SimNode, { readonly life: number; readonly recorder: Recorder; readonly state: State }>();
	readonly #closing: Promise<void>[] = [];

	constructor(seed: number, { core = coreVersion(), fromMs = 0, change = (made: Step): Step => made } = {}) {
		this.world = new World(drawPlan({ seed, nodes: 7, kind: 'short', classes: FAULT_CLASSES }), { trace: true });
		this.#core = core;
		this.#fromMs = fromMs;
		this.#change = change;
		const { watch } = this.world;
		const before = watch.before.bind(watch);
		watch.before = (node, event) => {
			before(node, event);
			if (this.world.heap.now < this.#fromMs) return;
			const { recorder, state } = this.#of(node);
			void recorder.rest();
			recorder.watch(event, node.now, () => this.#change(step(state, event, node.now)));
		};
	}

	/** Runs the world; resolves to the folders of the recordings, one for each machine that was up. */
	async run(): Promise<readonly string[]> {
		this.world.run();
		for (const { recorder } of this.#lives.values()) this.#closing.push(recorder.close());
		await Promise.all(this.#closing);
		return [...this.#lives.keys()].map((node) => this.#folder(node));
	}

	#of(node: SimNode) {
		const known = this.#lives.get(node);
		if (known?.life === node.life) return known;
		if (known !== undefined) this.#closing.push(known.recorder.close());
		assert.ok(node.state);
		const state = decodeSnapshot(encodeSnapshot(node.state));
		// Virtual time stands still while a state is written, and nothing is flushed before a frame is full.
		const clock = { ...systemClock, now: () => node.now as MonoMs, after: () => () => undefined };
		const { self, network } = node.config;
		const subject = { core: this.#core, program: '0.0.0', node: self, name: this.world.nameOf(self), network };
		const folder = new SegmentFiles(this.#folder(node));
		const recorder = new Recorder({ folder, clock, log: memoryLog(), metrics }, state, subject);
		const made = { life: node.life, recorder, state };
		this.#lives.set(node, made);
		return made;
	}

	#folder(node: SimNode): string {
		return join(root, `${this.world.plan.seed}-${this.#fromMs}-${this.#core.slice(0, 4)}`, this.world.nameOf(node.id));
	}
}

type State = ReturnType<typeof decodeSnapshot>;

for (const [seed, fromMs] of [
	[3, 0],
	[8, 60_000],
] as const) {
	test(`every life of every machine is replayed bit for bit, recorded from ${fromMs} ms on`, async () => {
		const folders = await new Recorders(seed, { fromMs }).run();
		assert.equal(metrics.total('poster_recorder_failed_total'), 0);
		let decisions = 0;
		for (const folder of folders) {
			const steps = await replayed(folder);
			assert.deepEqual(
				steps.filter(({ difference, failure }) => difference !== null || failure !== null),
				[],
				folder,
			);
			decisions += steps.reduce((sum, { told }) => sum + told.length, 0);
		}
		assert.ok(folders.length > 1 && decisions > 100, `${folders.length} machines, ${decisions} decisions`);
	});
}

test('a core that claimed for another reason is found out by replay --compare', async () => {
	let claims = 0;
	const change = (made: Step): Step => ({
		...made,
		after: made.after.map((effect) =>
			effect.type === 'decision' && effect.decision.name === 'claim' && claims++ === 0
				? { ...effect, decision: { ...effect.decision, reason: 'whim' } }
				: effect,
		),
	});
	const folders = await new Recorders(3, { core: OTHER_CORE, change }).run();
	const answers = await Promise.all(folders.map((folder) => cli('replay', folder, '--compare')));
	const found = answers.filter(({ code }) => code === 1);
	assert.equal(found.length, 1, JSON.stringify(answers.map(({ stderr }) => stderr)));
	assert.match(
		found[0]?.stdout ?? '',
		/first decision that differs: step \d+\n +recorded: claim whim .*\n +replayed: claim (?!whim)/,
	);
	const refused = await cli('replay', folders[0] as string);
	assert.equal(refused.code, 1);
	assert.match(refused.stderr, new RegExp(`core ${OTHER_CORE} recorded .* this program runs core ${coreVersion()}`));
});
