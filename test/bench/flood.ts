/**
 * `npm run bench:flood`: a member of the roster floods a whole node in every way there is, at full speed, from a process
 * with a CPU of its own. For each kind one JSON line: milliseconds from the first byte until it is hung up and banned,
 * how much more CPU time the victim's work takes afterwards than before, while the flooder goes on, and by how much the
 * victim's memory grew. `npm run bench:flood -- TEXT…` takes only the kinds with one of the texts in their name.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeMeshHomes } from '../../src/cli/demo/mesh-homes.ts';
import type { Home } from '../../src/node/home.ts';
import { MINER } from '../support/devnet-bench.ts';
import type { NodeAnswer, NodeCommand } from './flood-node.ts';
import type { FlooderAnswer } from './flooder.ts';

const ROUNDS = 7;
const TARGETS = { bannedMs: 5_000, slowerPercent: 30, grownMb: 100 };
const PATIENCE_MS = 30_000;
const SENDER = 'f134buwikwmjplvsoy67d26ypp6q5ekhu7qap6hwq';
/** The victim has the first CPU to itself; the honest member goes before the flooder on the second. */
const VICTIM = { cpu: 0, nice: 0 };
const HONEST = { cpu: 1, nice: 0 };
const FLOODER = { cpu: 1, nice: 10 };

interface Outcome {
	readonly kind: string;
	/** Null: never, within `PATIENCE_MS`. */
	readonly bannedMs: number | null;
	readonly reason: string;
	/** By the victim's own CPU time for the same work: what other programs of the machine take does not count. */
	readonly slowerPercent: number;
	readonly grownMb: number;
	/** The longest that the victim's event loop stood still. */
	readonly loopMaxMs: number;
	/** Of the flooder, after its ban. */
	readonly refusedHandshakes: number;
	/** By the clock, and of the victim's CPU. */
	readonly workMs: readonly [before: number, after: number];
	readonly workCpuMs: readonly [before: number, after: number];
}

type Homes = Readonly<Record<'victim' | 'honest' | 'flooder', Home>>;

class Child<Answer extends { readonly kind: string }> {
	readonly #process: ChildProcess;
	readonly #answers: Answer[] = [];
	#wake = (): void => undefined;

	constructor(file: string, { cpu, nice }: { cpu: number; nice: number }, ...args: readonly string[]) {
		const script = new URL(file, import.meta.url).pathname;
		const pinned = process.platform === 'linux' && availableParallelism() > 1 ? ['taskset', '-c', String(cpu)] : [];
		const [command = '', ...line] = [...pinned, 'nice', '-n', String(nice), process.execPath, script, ...args];
		this.#process = spawn(command, line, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
		this.#process.on('message', (answer: Answer) => {
			this.#answers.push(answer);
			this.#wake();
		});
		this.#process.on('exit', () => this.#wake());
	}

	say(command: unknown): void {
		this.#process.send(command as object);
	}

	/** Undefined when none came in time. */
	async answer<Kind extends Answer['kind']>(kind: Kind, patienceMs: number) {
		const late = sleep(patienceMs, 'late' as const, { ref: false });
		for (;;) {
			const index = this.#answers.findIndex((answer) => answer.kind === kind);
			if (index !== -1) return this.#answers.splice(index, 1)[0] as Extract<Answer, { kind: Kind }>;
			if (this.#process.exitCode !== null) throw new Error(`a process ended with ${this.#process.exitCode}`);
			const woken = new Promise<void>((resolve) => {
				this.#wake = resolve;
			});
			if ((await Promise.race([woken, late])) === 'late') return undefined;
		}
	}

	async sure<Kind extends Answer['kind']>(kind: Kind) {
		const answer = await this.answer(kind, 600_000);
		if (answer === undefined) throw new Error(`no answer: ${kind}`);
		return answer;
	}

	async end(): Promise<void> {
		const exited = new Promise((resolve) => this.#process.once('exit', resolve));
		if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
		this.#process.kill('SIGKILL');
		await exited;
	}
}

/** A fresh victim for each kind: bans, quotas and memory of the one before would spoil it. */
async function withVictim<T>(
	homes: Homes,
	honest: string,
	work: (victim: Child<NodeAnswer>, address: string) => Promise<T>,
): Promise<T> {
	const victim = new Child<NodeAnswer>('flood-node.ts', VICTIM, 'victim', homes.victim.paths.root, honest);
	try {
		const { addresses } = await victim.sure('ready');
		return await work(victim, addresses[0] ?? '');
	} finally {
		await victim.end();
	}
}

const flooderOf = (homes: Homes, address: string, kind: string): Child<FlooderAnswer> =>
	new Child('flooder.ts', FLOODER, homes.flooder.paths.root, homes.honest.paths.root, address, kind);

async function kindsOf(homes: Homes, honest: string): Promise<readonly string[]> {
	return withVictim(homes, honest, async (_victim, address) => {
		const flooder = flooderOf(homes, address, 'list');
		try {
			return (await flooder.sure('kinds')).names;
		} finally {
			await flooder.end();
		}
	});
}

async function measure(homes: Homes, honest: string, kind: string): Promise<Outcome> {
	return withVictim(homes, honest, async (victim, address) => {
		const say = (command: NodeCommand): void => victim.say(command);
		const work = async (rounds: number): Promise<{ ms: number; cpuMs: number }> => {
			say({ do: 'work', from: homes.honest.identity.id, rounds });
			const { ms, cpuMs } = await victim.sure('worked');
			return { ms: median(ms), cpuMs: median(cpuMs) };
		};
		// Code is compiled, windows and buffers have their size.
		await work(3);
		const flooder = flooderOf(homes, address, kind);
		try {
			await flooder.sure('prepared');
			const before = await work(ROUNDS);
			say({ do: 'watch', flooder: homes.flooder.identity.id });
			await victim.sure('watching');
			flooder.say('go');
			const { wallMs } = await flooder.sure('begun');
			const banned = await victim.answer('banned', PATIENCE_MS);
			const after = await work(ROUNDS);
			say({ do: 'tell' });
			const { grownBytes, loopMaxMs, handshakes } = await victim.sure('told');
			return {
				kind,
				bannedMs: banned === undefined ? null : banned.wallMs - wallMs,
				reason: banned?.reason ?? 'none',
				slowerPercent: Math.round((after.cpuMs / before.cpuMs - 1) * 100),
				grownMb: Math.round(grownBytes / 1e6),
				loopMaxMs: Math.round(loopMaxMs),
				refusedHandshakes: handshakes,
				workMs: [Math.round(before.ms), Math.round(after.ms)],
				workCpuMs: [Math.round(before.cpuMs), Math.round(after.cpuMs)],
			};
		} finally {
			await flooder.end();
		}
	});
}

function median(values: readonly number[]): number {
	return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const missed = ({ bannedMs, slowerPercent, grownMb }: Outcome): boolean =>
	bannedMs === null ||
	bannedMs > TARGETS.bannedMs ||
	slowerPercent > TARGETS.slowerPercent ||
	grownMb > TARGETS.grownMb;

function print(line: unknown): void {
	process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function main(wanted: readonly string[]): Promise<void> {
	const root = await mkdtemp(join(tmpdir(), 'poster-flood-'));
	const names = ['victim', 'honest', 'flooder'] as const;
	const made = await makeMeshHomes({
		root,
		network: 'bench',
		miners: [{ miner: MINER, sender: SENDER }],
		members: names.map((name) => ({ name, example: 'bootstrap', roles: ['bootstrap'] })),
		config: { network: { listen: ['/ip4/127.0.0.1/tcp/0'] }, log_level: 'error' },
	});
	const homes = Object.fromEntries(made) as unknown as Homes;
	const honest = new Child<NodeAnswer>('flood-node.ts', HONEST, 'honest', homes.honest.paths.root);
	try {
		const { addresses } = await honest.sure('ready');
		const kinds = await kindsOf(homes, addresses[0] ?? '');
		const outcomes: Outcome[] = [];
		for (const kind of kinds) {
			if (wanted.length > 0 && !wanted.some((text) => kind.includes(text))) continue;
			const outcome = await measure(homes, addresses[0] ?? '', kind);
			outcomes.push(outcome);
			print(outcome);
		}
		const failed = outcomes.filter(missed).map(({ kind }) => kind);
		const most = (value: (outcome: Outcome) => number): number => Math.max(...outcomes.map(value));
		print({
			kinds: outcomes.length,
			mostBannedMs: most(({ bannedMs }) => bannedMs ?? Number.POSITIVE_INFINITY),
			mostSlowerPercent: most(({ slowerPercent }) => slowerPercent),
			mostGrownMb: most(({ grownMb }) => grownMb),
			targets: TARGETS,
			missed: failed,
		});
		if (failed.length > 0) process.exitCode = 1;
	} finally {
		await honest.end();
		await rm(root, { recursive: true, force: true });
	}
}

await main(process.argv.slice(2));
