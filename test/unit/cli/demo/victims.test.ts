import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster } from '../../../../src/cli/demo/cluster.ts';
import type { ClusterNode } from '../../../../src/cli/demo/cluster-node.ts';
import { Observer } from '../../../../src/cli/demo/observer.ts';
import { VICTIM_KINDS, type VictimKind, victimOfKey } from '../../../../src/cli/demo/victim-kinds.ts';
import { Victims } from '../../../../src/cli/demo/victims.ts';
import { program } from '../../../../src/cli/program.ts';
import { limits } from '../../../../src/domain/limits.ts';
import type { ControlEvent } from '../../../../src/node/control-api.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { until } from '../../../support/until.ts';

const MEMBERS = ['bootstrap-1', 'storage-1', 'storage-2', 'prover-1', 'prover-2', 'chain-1', 'chain-2'];
const told = (type: string, facts: ControlEvent['facts'] = {}): ControlEvent => ({ wallMs: 0, type, facts });
/** The moment of each kind, as a node tells it. */
const MOMENTS: Readonly<Record<VictimKind, ControlEvent>> = {
	prover: told('progress', { phase: 'synthesis', state: 'start' }),
	submitter: told('sign'),
	storage: told('announce'),
	'full-node': told('sign'),
};

/** The nodes of the demo as far as `Victims` knows them: who lives, and by its own word who works on what. */
class Stage {
	readonly clock = new ManualClock();
	readonly observer = new Observer();
	readonly notes: string[] = [];
	readonly calls: (readonly unknown[])[] = [];
	readonly #dead = new Set<string>();
	readonly #nodes: ReadonlyMap<string, ClusterNode>;
	readonly victims: Victims;

	constructor(first: VictimKind, held: Readonly<Record<string, readonly number[]>> = {}) {
		this.#nodes = new Map(MEMBERS.map((name) => [name, this.#member(name)]));
		for (const [name, partitions] of Object.entries(held)) {
			for (const partition of partitions) this.tell(name, 'claim', 0, partition);
		}
		const cluster = {
			nodes: this.#nodes,
			node: (name: string) => this.node(name),
			startNodes: async (names: readonly string[]) => {
				for (const name of names) this.#dead.delete(name);
			},
			chain: { call: async (...call: readonly unknown[]) => void this.calls.push(call) },
		} as unknown as Cluster;
		const note = (text: string) => void this.notes.push(text);
		const { signal } = new AbortController();
		this.victims = new Victims(cluster, this.observer, { first, clock: this.clock, note, signal });
	}

	node(name: string): ClusterNode {
		return this.#nodes.get(name) as ClusterNode;
	}

	/** A node's word on a partition. */
	tell(name: string, type: string, wallMs: number, partition: number, facts: ControlEvent['facts'] = {}): void {
		this.observer.take({ wallMs, type, facts: { work: `work-${partition}`, partition, ...facts } }, this.node(name));
	}

	get dead(): readonly string[] {
		return MEMBERS.filter((name) => this.#dead.has(name));
	}

	#member(name: string): ClusterNode {
		const dead = this.#dead;
		return {
			name,
			home: { identity: { id: `id-${name}` } },
			get running() {
				return !dead.has(name);
			},
			kill: async () => void dead.add(name),
			addresses: [],
		} as unknown as ClusterNode;
	}
}

test('each key names a kind of victim, no two the same, and the command line knows the same kinds', () => {
	assert.deepEqual(['p', 's', 't', 'f'].map(victimOfKey), VICTIM_KINDS);
	for (const key of ['x', 'P', '', '\r']) assert.equal(victimOfKey(key), undefined);
	const kill = program()
		.commands.find((command) => command.name() === 'demo')
		?.options.find(({ long }) => long === '--kill');
	assert.deepEqual(kill?.argChoices, VICTIM_KINDS);
	assert.equal(kill?.defaultValue, 'prover');
});

for (const [kind, victim, dead] of [
	['prover', 'prover-2', ['prover-2']],
	['submitter', 'chain-2', ['chain-2']],
	['storage', 'storage-1', ['storage-1']],
	['full-node', 'full node of chain-2', []],
] as const) {
	test(`the first ${kind} dies at its moment: whose moment it is, once, and no other kind`, async () => {
		const stage = new Stage(kind);
		const { victims } = stage;
		// Who announces holds no sectors: then one that does is taken.
		const by = stage.node(kind === 'prover' ? 'prover-2' : 'chain-2');
		for (const other of VICTIM_KINDS) {
			if (MOMENTS[other].type !== MOMENTS[kind].type) victims.onEvent(MOMENTS[other], by);
		}
		await stage.victims.settled();
		assert.deepEqual(victims.kills, [], 'not its moment');
		victims.onEvent(MOMENTS[kind], by);
		victims.onEvent(MOMENTS[kind], stage.node('chain-1'));
		await until('one was killed', () => victims.kills.length > 0);
		assert.deepEqual(
			victims.kills.map(({ name }) => name),
			[victim],
		);
		assert.deepEqual(stage.dead, dead);
		assert.deepEqual(stage.calls, kind === 'full-node' ? [['Devnet.KillFullNode', [2]]] : []);
	});
}

test('a key chooses another kind before its moment, and kills at once after it', async () => {
	const stage = new Stage('prover');
	const { victims } = stage;
	victims.press('storage');
	victims.press('storage');
	assert.match(victims.hint(), /^To be killed: a storage node, when the deadline is announced\./);
	assert.equal(stage.notes.length, 1, 'the same choice twice is told once');
	victims.onEvent(MOMENTS.prover, stage.node('prover-1'));
	victims.press('prover');
	await victims.settled();
	assert.deepEqual(stage.dead, ['prover-1'], 'its moment has passed: at once');
	assert.match(victims.hint(), /^Kill one more: p prover, s submitter, t storage node, f full node\./);
	victims.press('submitter');
	await victims.settled();
	assert.deepEqual(stage.dead, ['prover-1', 'chain-1']);
});

test('the last one of a kind is never killed, and a chain node without its full node is no longer one', async () => {
	const stage = new Stage('prover');
	const { victims } = stage;
	victims.onEvent(MOMENTS.prover, stage.node('prover-2'));
	for (const kind of ['prover', 'full-node', 'submitter', 'full-node'] as const) victims.press(kind);
	await victims.settled();
	assert.deepEqual(
		victims.kills.map(({ name }) => name),
		['prover-2', 'full node of chain-1'],
	);
	assert.equal(stage.notes.filter((note) => /is left that the mesh could do without/.test(note)).length, 3);
	assert.equal(victims.witness()?.name, 'chain-2', 'it sees the chain');
});

test('a storage node comes back, and until then the demo is not over', async () => {
	const stage = new Stage('storage');
	const { victims } = stage;
	victims.onEvent(MOMENTS.storage, stage.node('chain-1'));
	await until('it waits to be started again', () => stage.clock.timers > 0);
	assert.deepEqual(stage.dead, ['storage-1']);
	stage.clock.advance(limits.demoRestartMs - 1);
	await new Promise(setImmediate);
	assert.equal(victims.idle, false);
	assert.deepEqual(stage.dead, ['storage-1']);
	stage.clock.advance(1);
	await victims.settled();
	assert.deepEqual(stage.dead, []);
	assert.equal(stage.notes.at(-1), 'storage-1 is back.');
	await until('nothing is to come', () => victims.idle);
});

test('what a dead prover held counts as taken over by the first other claim, unless it had proven it', async () => {
	const stage = new Stage('prover', { 'prover-1': [3, 1, 0, 4], 'prover-2': [2, 4] });
	const { victims, observer } = stage;
	stage.tell('prover-1', 'release', 50, 3);
	stage.clock.advance(100);
	victims.onEvent(MOMENTS.prover, stage.node('prover-1'));
	await victims.settled();
	assert.deepEqual(
		victims.kills[0]?.works.map(({ work, partition }) => [work, partition]),
		[0, 1, 4].map((partition) => [`work-${partition}`, partition]),
		'all that it had claimed and not given back',
	);
	assert.match(stage.notes.join('\n'), /Killed prover-1 with SIGKILL while it worked on partitions 0, 1, 4\./);
	stage.tell('chain-1', 'result-stored', 120, 1, { peer: 'id-prover-1' });
	assert.deepEqual(
		victims.abandoned(),
		[{ work: 'work-0', partition: 0, wallMs: 100, claim: undefined }],
		'one was proven, another one worked on by two',
	);
	stage.tell('prover-2', 'takeover', 150, 0);
	victims.tellTakeovers();
	victims.tellTakeovers();
	const taken = stage.notes.filter((note) => /took partition/.test(note));
	assert.deepEqual(taken, ['prover-2 took partition 0 over 50ms after the kill.']);
	assert.deepEqual(observer.died('prover-1', 200), [], 'it dies once');
});
