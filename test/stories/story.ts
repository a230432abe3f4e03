/**
 * Stories: text files that drive a small mesh and say in words what must be decided, after the manner of etcd raft's
 * interaction tests. One command a line, `#` begins a comment.
 *
 *     mesh NAME=ROLE+ROLE[*SLOTS][/HOLDS] …   machines; HOLDS is all, even or odd sectors of a storage machine
 *     due N [DEADLINES]                       partitions of a deadline, deadlines one after another (default 1, 1)
 *     proof SECONDS                           how long a proof takes (default 4)
 *     await DECISION [KEY=VALUE] …            run until it is made; by=, reason=, peer=, not=, as=, within=SECONDS
 *     never DECISION [KEY=VALUE] …            it was not made so far
 *     count DECISION N [KEY=VALUE] …          it was made exactly N times so far
 *     run SECONDS | until EPOCH               let time pass
 *     crash | start | pause | resume NAME     what happens to a machine
 *     lazy NAME                               a storage machine opens nothing ahead, so that it never objects
 *     line NAME SECONDS                       streams of a storage machine wait in line so long
 *     sick NAME KIND | well NAME              a storage machine is refusing, lying or offline, and in order again
 *     split NAME … | heal                     these machines hear the others no more, and again
 *     lose SECTOR …                           sector files vanish everywhere
 *     forge KIND by=NAME                      NAME says something false (submission, result, needless-skip, flags:
 *                                             another list of which sectors were updated,
 *                                             rival: its own message for the last partition lands at the next nonce)
 *     pool drop | chain full | chain flows | fee N | reorg DEPTH      what happens on the chain
 *     dry-run NAME                            NAME announces a dry run of the first partition
 *     posted N [DEADLINE] | wasted N | skipped N         what the chain holds in the end
 *
 * `as=X` names the deciding machine; $X stands for it from then on.
 */
import assert from 'node:assert/strict';
import { Bitfield } from '../../src/domain/bitfield.ts';
import type { Role } from '../../src/domain/roster.ts';
import { forge } from '../sim/forger.ts';
import { allSectors, dealSectors, type Machine, type Plan } from '../sim/plan.ts';
import { Random } from '../sim/random.ts';

import type { Happening } from '../sim/trace.ts';
import { World } from '../sim/world.ts';

const PATIENCE_MS = 240_000;

type Query = Readonly<Record<string, string>>;

/** `holds` picks sectors of a storage machine. */
interface Placed extends Machine {
	readonly holds?: 'all' | 'even' | 'odd';
}

export class Story {
	readonly #names = new Map<string, string>();
	#machines: readonly Placed[] = [];
	/** Machines that a split has set apart. */
	#side: readonly number[] = [];
	#partitions = 1;
	#deadlines = 1;
	#proveMs = 4_000;
	#world: World | null = null;
	/** Happenings before this one were awaited already. */
	#cursor = 0;

	tell(text: string): void {
		for (const [i, raw] of text.split('\n').entries()) {
			const line = raw.replace(/#.*/, '').trim();
			if (line === '') continue;
			try {
				this.#command(line.replace(/\$(\w+)/g, (_, name) => this.#names.get(name) ?? `$${name}`));
			} catch (cause) {
				throw new Error(`line ${i + 1}: ${line}\n${cause instanceof Error ? cause.message : ''}\n${this.#recent()}`, {
					cause,
				});
			}
		}
	}

	#command(line: string): void {
		const [command, ...words] = line.split(/\s+/);
		const [first = ''] = words;
		switch (command) {
			case 'mesh':
				this.#machines = words.map(machineOf);
				return;
			case 'due':
				this.#partitions = Number(first);
				this.#deadlines = Number(words[1] ?? 1);
				return;
			case 'proof':
				this.#proveMs = Number(first) * 1_000;
				return;
			case 'dry-run':
				this.world.dryRun(this.world.named(first));
				return;
			case 'await':
				this.#await(first, queryOf(words.slice(1)));
				return;
			case 'never':
				assert.deepEqual(this.#found(first, queryOf(words.slice(1))), [], 'it was decided');
				return;
			case 'count':
				assert.equal(this.#found(first, queryOf(words.slice(2))).length, Number(words[1]), 'times');
				return;
			case 'run':
				this.#runUntil(this.world.heap.now + Number(first) * 1_000);
				return;
			case 'until':
				while (this.world.chain.epoch < Number(first)) this.#runUntil(this.world.heap.now + 100);
				return;
			case 'crash':
				assert.ok(this.world.crash(this.world.named(first)), 'it was up');
				return;
			case 'start':
				this.world.startNode(this.world.named(first));
				return;
			case 'pause':
				assert.ok(this.world.pause(this.world.named(first)), 'it was awake');
				return;
			case 'resume':
				this.world.resume(this.world.named(first));
				return;
			case 'lazy':
				this.world.named(first).storage.lazy = true;
				return;
			case 'line':
				this.world.named(first).storage.lineMs = Number(words[1]) * 1_000;
				return;
			case 'sick':
				assert.ok(['refusing', 'lying', 'offline'].includes(words[1] ?? ''), 'a storage machine is sick in some way');
				this.world.named(first).storage[words[1] as 'refusing' | 'lying' | 'offline'] = 1;
				return;
			case 'well':
				Object.assign(this.world.named(first).storage, { refusing: 0, lying: 0, offline: 0 });
				return;
			case 'split':
				assert.equal(this.#side.length, 0, 'nothing was split');
				this.#side = words.map((name) => this.world.named(name).index);
				this.world.network.split(this.#side, 1);
				return;
			case 'heal':
				this.world.network.split(this.#side, -1);
				this.#side = [];
				return;
			case 'lose':
				this.world.lose(words.map(Number));
				return;
			case 'forge':
				forge(this.world, first, queryOf(words.slice(1))['by'] ?? '');
				return;
			case 'pool':
				this.world.pools.clear();
				return;
			case 'chain':
				this.world.chain.blockMessages = first === 'full' ? 0 : 8;
				return;
			case 'reorg':
				this.world.reorg(Number(first));
				return;
			case 'fee':
				this.world.chain.baseFee = BigInt(first);
				return;
			case 'posted':
				assert.equal(this.world.chain.tip.posted.get(Number(words[1] ?? 0))?.size ?? 0, Number(first));
				return;
			case 'wasted':
				assert.equal(this.world.chain.landed.filter(({ exitCode }) => exitCode !== 0).length, Number(first));
				return;
			case 'skipped':
				assert.equal(this.world.chain.skippedSectors, Number(first));
				return;
			default:
				throw new Error(`no command is called ${command}`);
		}
	}

	get world(): World {
		if (this.#world !== null) return this.#world;
		const plan: Plan = {
			seed: 7,
			epochMs: 2_000,
			firstChallenge: 5,
			endMs: Number.MAX_SAFE_INTEGER,
			miners: 1,
			deadlines: this.#deadlines,
			partitions: this.#partitions,
			sectors: 6,
			proveMs: this.#proveMs,
			delayMs: 20,
			machines: this.#machines,
			holdings: [],
			faults: [],
			calmMs: 0,
		};
		this.#world = new World({ ...plan, holdings: this.#holdings(plan) }, { trace: true });
		this.#world.begin();
		return this.#world;
	}

	/** Dealt by chance where the story does not say. */
	#holdings(plan: Plan): readonly Bitfield[] {
		const dealt = dealSectors(plan, new Random(plan.seed));
		return this.#machines.map(({ holds }, i) => {
			const wanted = (sector: number): boolean => holds === 'all' || sector % 2 === (holds === 'even' ? 0 : 1);
			return holds === undefined ? (dealt[i] as Bitfield) : Bitfield.of(allSectors(plan).filter(wanted));
		});
	}

	#runUntil(at: number): void {
		while (this.world.heap.run(at));
		this.world.heap.now = at;
	}

	#await(name: string, query: Query): void {
		const { world } = this;
		const end = world.heap.now + (query['within'] === undefined ? PATIENCE_MS : Number(query['within']) * 1_000);
		for (;;) {
			for (let i = this.#cursor; i < world.trace.happenings.length; i++) {
				const happening = world.trace.happenings[i] as Happening;
				if (!matches(happening, name, query)) continue;
				this.#cursor = i + 1;
				if (query['as'] !== undefined) this.#names.set(query['as'], happening.node);
				return;
			}
			if (!world.heap.run(end)) throw new Error('it was never decided');
		}
	}

	#found(name: string, query: Query): readonly string[] {
		return this.world.trace.happenings
			.filter((happening) => matches(happening, name, query))
			.map(({ node, name: what, reason }) => `${node} ${what} ${reason}`);
	}

	#recent(): string {
		return (this.#world?.trace.lines ?? [])
			.filter((entry) => !entry.includes(' <- '))
			.slice(-40)
			.join('\n');
	}
}

function matches(happening: Happening, name: string, query: Query): boolean {
	return (
		happening.name === name &&
		(query['by'] === undefined || query['by'] === happening.node) &&
		(query['not'] === undefined || query['not'] !== happening.node) &&
		(query['reason'] === undefined || query['reason'] === happening.reason) &&
		(query['peer'] === undefined || query['peer'] === happening.peer)
	);
}

function machineOf(word: string): Placed {
	const match = /^(\w+)=([a-z+]+)(?:\*(\d))?(?:\/(all|even|odd))?$/.exec(word);
	assert.ok(match, `${word} is no machine`);
	const [, name = '', roles = '', slots, holds] = match;
	const machine = {
		name,
		roles: roles.split('+') as Role[],
		slots: Number(slots ?? (roles.includes('prover') ? 1 : 0)),
	};
	return holds === undefined ? machine : { ...machine, holds: holds as 'all' | 'even' | 'odd' };
}

function queryOf(words: readonly string[]): Query {
	return Object.fromEntries(words.map((word) => word.split('=') as [string, string]));
}
