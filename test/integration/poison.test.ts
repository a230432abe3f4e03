/** A core with a bug that something from outside meets: the node ends on it, and a later start goes on without it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openStore } from '../../src/adapters/level/store.ts';
import type { CoreConfig, Effect, Event, EventOf } from '../../src/core/api.ts';
import { readStatement, writeStatement } from '../../src/core/keys.ts';
import { createState, type State, step } from '../../src/core/poster.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import type { Envelope } from '../../src/domain/envelope.ts';
import { epoch } from '../../src/domain/ids.ts';
import type { WorkItem } from '../../src/domain/work.ts';
import type { StatusReport } from '../../src/node/control-api.ts';
import { guardedLoop } from '../../src/node/guarded-loop.ts';
import { homePaths } from '../../src/node/home.ts';
import { statementHash } from '../../src/node/inbound.ts';
import { Quarantine } from '../../src/node/quarantine.ts';
import { type Core, startCore } from '../../src/node/stored-entries.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { ClaimBench, itemOf } from '../support/claim-bench.ts';
import { CLI_MAIN } from '../support/cli.ts';
import { configured, found } from '../support/founder.ts';
import { memoryLog } from '../support/memory-log.ts';
import { memoryMetrics } from '../support/memory-metrics.ts';
import { hurried } from '../support/system-clock.ts';
import { until } from '../support/until.ts';

const good = itemOf(0);
const poison = itemOf(1, { deadline: 4 as WorkItem['deadline'] });

/** A rule of this core, which runs in ticks, fails when `isPoisoned` says so. */
function coreWith(isPoisoned: (state: State) => boolean): Core {
	return {
		createState,
		step: (state, event, now) => {
			if (event.type === 'tick' && isPoisoned(state)) throw new TypeError('a bug in a rule');
			return step(state, event, now);
		},
	};
}

interface Life {
	readonly state: State;
	readonly effects: readonly Effect[];
	readonly aside: readonly string[];
	/** Steps of the core. */
	readonly steps: () => number;
	readonly died: () => boolean;
	readonly end: () => Promise<readonly string[]>;
}

/** One run of a process: real store, real loop, a core with a bug. `inputs` come to each run anew, as peers bring them. */
async function live(
	t: TestContext,
	folder: string,
	config: CoreConfig,
	core: Core,
	inputs: readonly Event[] = [],
): Promise<Life> {
	const store = await openStore(join(folder, 'store'), config.self);
	const quarantine = await Quarantine.load(join(folder, 'quarantine.json'));
	const log = memoryLog();
	const { state, aside } = await startCore({ store, quarantine, log }, config, core);
	const effects: Effect[] = [];
	let steps = 0;
	let died = false;
	const { loop, enqueue } = guardedLoop(
		{ store, clock: hurried(1), log, metrics: memoryMetrics(), quarantine },
		{
			step: (event, now) => {
				steps++;
				return core.step(state, event, now);
			},
			run: (effect) => effects.push(effect),
			rest: () => undefined,
			epoch: () => 165,
			fatal: () => {
				died = true;
			},
		},
	);
	loop.start();
	if (aside.length > 0) enqueue({ type: 'set-aside', keys: aside });
	for (const event of inputs) {
		if (event.type !== 'statement' || !quarantine.has(statementHash(event.raw))) enqueue(event);
	}
	t.after(() => loop.stop());
	const end = async (): Promise<readonly string[]> => {
		await loop.stop();
		const keys: string[] = [];
		for await (const [key] of store.entries('')) keys.push(key);
		await store.close();
		return keys;
	};
	return { state, effects, aside, steps: () => steps, died: () => died, end };
}

/** Runs processes until one lives on; how many died before it. */
async function livesUntilOneStays(run: () => Promise<Life>): Promise<{ readonly deaths: number; readonly life: Life }> {
	for (let deaths = 0; deaths < 10; deaths++) {
		const life = await run();
		await until('it died or ticked on', () => life.died() || life.steps() > 60);
		if (!life.died()) return { deaths, life };
		await life.end();
	}
	throw new Error('it died ten times');
}

async function scratch(t: TestContext): Promise<string> {
	const folder = await mkdtemp(join(tmpdir(), 'poster-poison-'));
	t.after(() => rm(folder, { recursive: true, force: true }));
	return folder;
}

test('a stored statement on which a rule fails at every tick is set aside, with an alarm, and not taken again', async (t) => {
	const folder = await scratch(t);
	const bench = new ClaimBench({ others: 1 });
	bench.announce(good);
	bench.announce(poison);
	const { config } = bench.state;
	const store = await openStore(join(folder, 'store'), config.self);
	await store.write([...bench.disk].map(([key, value]) => ({ type: 'put', key, value })));
	await store.close();
	const stored = [...bench.disk].filter(([key]) => key.startsWith(`a/${poison.key}/`));
	assert.equal(stored.length, 2, 'of both announcers');
	const again = stored.map(([, value]): Event => {
		const { envelope, raw } = readStatement(value);
		return { type: 'statement', envelope, raw: raw as Uint8Array, relay: envelope.from, ageMs: 0 };
	});

	const core = coreWith((state) => state.works.has(poison.id));
	const { deaths, life } = await livesUntilOneStays(() => live(t, folder, config, core, again));
	assert.equal(deaths, 1);
	assert.deepEqual([life.state.works.has(good.id), life.state.works.has(poison.id)], [true, false]);
	assert.deepEqual(
		life.aside,
		stored.map(([key]) => key),
	);
	const alarms = life.effects.flatMap((effect) => (effect.type === 'alarm' ? [effect.alarm] : []));
	assert.deepEqual(
		alarms.map(({ code, facts }) => [code, facts['entries']]),
		[['entries-set-aside', 2]],
	);
	const keys = await life.end();
	for (const [key] of stored) {
		assert.deepEqual(
			[keys.includes(key), keys.includes(`x/${key}`)],
			[false, true],
			'kept for whoever looks for the bug',
		);
	}
	assert.ok(keys.some((key) => key.startsWith(`a/${good.key}/`)));
});

test('a stored entry that cannot be read is set aside at once', async (t) => {
	const folder = await scratch(t);
	const bench = new ClaimBench({ others: 1 });
	bench.announce(good);
	const { config } = bench.state;
	const store = await openStore(join(folder, 'store'), config.self);
	const damaged = { type: 'put', key: `r/${good.id}`, value: Uint8Array.of(0xff) } as const;
	await store.write([...[...bench.disk].map(([key, value]) => ({ type: 'put', key, value }) as const), damaged]);
	await store.close();
	const { deaths, life } = await livesUntilOneStays(() => live(t, folder, config, { createState, step }));
	assert.deepEqual([deaths, life.aside], [0, [damaged.key]]);
	assert.ok(life.state.works.has(good.id));
	await life.end();
});

test('the numbers of a node are never set aside: without them it would say two things under one number', async (t) => {
	const folder = await scratch(t);
	const { config } = new ClaimBench().state;
	const store = await openStore(join(folder, 'store'), config.self);
	await store.write([{ type: 'put', key: 'q', value: Uint8Array.of(0xff) }]);
	await store.close();
	await assert.rejects(live(t, folder, config, { createState, step }), /stored entry q cannot be read/);
});

test('a statement on which a rule fails later is found among others and kept away', async (t) => {
	const folder = await scratch(t);
	const bench = new ClaimBench({ others: 4 });
	const { config } = bench.state;
	const inputs: EventOf<'statement'>[] = [];
	const give = bench.give.bind(bench);
	bench.give = (event) => {
		if (event.type === 'statement') inputs.push(event);
		return give(event);
	};
	for (const name of bench.others) bench.beacon(name, [], name === 'r' ? { health: 7 } : {});
	const health = (state: State, name: string): number | undefined =>
		state.peers.get(bench.id(name))?.record?.envelope.body.health;
	const core = coreWith((state) => health(state, 'r') === 7);
	const { deaths, life } = await livesUntilOneStays(() => live(t, folder, config, core, inputs));
	assert.equal(deaths, 3, 'once among others, twice alone');
	assert.deepEqual(
		bench.others.map((name) => health(life.state, name)),
		[0, 0, undefined, 0],
	);
	await life.end();
});

test('a failure that nothing explains does not last: what others signed goes first, then all but the numbers', async (t) => {
	const folder = await scratch(t);
	const bench = new ClaimBench({ others: 1 });
	bench.announce(good);
	const { config } = bench.state;
	const store = await openStore(join(folder, 'store'), config.self);
	await store.write([...bench.disk].map(([key, value]) => ({ type: 'put', key, value })));
	await store.close();
	// Only after some time, so that no trial meets it.
	let ticks = 0;
	const core: Core = {
		createState: (given, entries) => {
			ticks = 0;
			return createState(given, entries);
		},
		step: (state, event, now) => {
			if (event.type === 'tick' && ++ticks > 40 && state.works.size > 0) throw new TypeError('a bug in a rule');
			return step(state, event, now);
		},
	};
	const { deaths, life } = await livesUntilOneStays(() => live(t, folder, config, core));
	assert.equal(deaths, 4);
	const keys = await life.end();
	assert.ok(keys.includes('i') && keys.includes('q'));
	assert.deepEqual(
		keys.filter((key) => key.startsWith('a/')),
		[],
	);
});

test('failures that their inputs explain take nothing from the store, however many they are', async (t) => {
	const folder = await scratch(t);
	const bench = new ClaimBench({ others: 1 });
	bench.announce(good);
	const { config } = bench.state;
	const store = new MemoryStore({}, bench.disk);
	const quarantine = await Quarantine.load(join(folder, 'quarantine.json'));
	for (let id = 0; id < 20; id++) {
		await quarantine.blame([{ type: 'statement', raw: Uint8Array.of(id) } as unknown as Event], 165);
	}
	const { state, aside } = await startCore({ store, quarantine, log: memoryLog() }, config);
	assert.deepEqual(aside, []);
	assert.ok(state.works.has(good.id));
});

test('own results that were set aside stay when more is set aside, what others signed goes', async (t) => {
	const folder = await scratch(t);
	const bench = new ClaimBench({ others: 1 });
	bench.announce(good);
	const body = { work: good.id, proof: new Uint8Array(192).fill(3), skipped: Bitfield.empty, refusals: [], proveMs: 1 };
	const { config } = bench.state;
	const { network, self: from } = config;
	const envelope: Envelope = { network, from, incarnation: 1, sequence: 1, epoch: epoch(165), kind: 'res', body };
	const own = writeStatement({ envelope, raw: null });
	const theirs = [...bench.disk].find(([key]) => key.startsWith('a/')) as [string, Uint8Array];
	const store = new MemoryStore({}, new Map([[`r/${good.id}`, own], theirs]));
	const quarantine = await Quarantine.load(join(folder, 'quarantine.json'));
	const startAnew = () => startCore({ store, quarantine, log: memoryLog() }, config);
	const asideKeys = async () => (await Array.fromAsync(store.entries('x/'))).map(([key]) => key);
	for (let failures = 0; failures < 8; failures++) await quarantine.blame([], 165);
	await startAnew();
	assert.deepEqual(await asideKeys(), [`x/${theirs[0]}`, `x/r/${good.id}`].sort());
	const damaged = Uint8Array.of(0xff);
	await store.write(['c/damaged', `r/${good.id}`].map((key) => ({ type: 'put', key, value: damaged })));
	await startAnew();
	assert.deepEqual(await asideKeys(), ['x/c/damaged', `x/r/${good.id}`]);
	assert.deepEqual(await store.get(`x/r/${good.id}`), own);
});

test('a whole node starts with a store in which an entry is damaged, says so in its status, and starts again', async (t) => {
	const home = join(await scratch(t), 'home');
	await found(home);
	await configured(home);
	const paths = homePaths(home);
	const run = async (): Promise<{ status: () => Promise<StatusReport>; killed: () => Promise<unknown> }> => {
		const child = spawn(process.execPath, [CLI_MAIN, 'start', '--home', home, '--json'], {
			stdio: ['ignore', 'pipe', 'ignore'],
		});
		t.after(() => child.kill('SIGKILL'));
		const [line] = await once(child.stdout, 'data');
		assert.equal(JSON.parse(String(line)).event, 'started');
		const { url, token } = JSON.parse(await readFile(paths.control, 'utf8'));
		const status = async (): Promise<StatusReport> => {
			const response = await fetch(`${url}/status`, { headers: { authorization: `Bearer ${token}` } });
			return (await response.json()) as StatusReport;
		};
		const closed = once(child, 'close');
		const killed = (): Promise<unknown> => {
			child.kill('SIGKILL');
			return closed;
		};
		return { status, killed };
	};
	const first = await run();
	const { id, alarms } = await first.status();
	assert.deepEqual(alarms, []);
	await first.killed();
	const store = await openStore(paths.store, id);
	const key = `r/${good.id}`;
	await store.write([{ type: 'put', key, value: Uint8Array.of(0xff) }]);
	await store.close();
	const second = await run();
	await until('it says so', async () => (await second.status()).alarms.length > 0);
	assert.deepEqual((await second.status()).alarms, [
		{ code: 'entries-set-aside', subject: key, facts: { entries: 1 } },
	]);
	await second.killed();
	const third = await run();
	assert.deepEqual((await third.status()).alarms, [], 'it is told once');
	await third.killed();
});
