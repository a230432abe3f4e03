/** How each kind of fault is made and mended, on real processes. */
import { cp, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'smol-toml';
import { type OwnedProcess, ownCommand } from '../../src/cli/demo/processes.ts';
import { isPosterError } from '../../src/domain/errors.ts';
import type { Random } from '../sim/random.ts';
import type { Fault, FaultKind } from './faults.ts';
import type { Impairment } from './link-proxy.ts';
import type { ChaosMesh } from './mesh.ts';
import { type Injection, pause } from './nemesis.ts';
import { OBSERVER } from './observer.ts';

export interface Injector {
	/** It needs no victim of its own; one at a time. */
	readonly wholeMesh: boolean;
	readonly inject: (injection: Injection) => Promise<void>;
}

/** From the end of a fault until the node answers, synced and connected to a member. */
const BACK_MS = 60_000;
const POLL_MS = 250;

export const INJECTORS: Readonly<Record<FaultKind, Injector>> = {
	'kill-node': onNode(killNode),
	'kill-group': onNode(killGroup),
	'kill-child': onNode(killChild),
	stop: onNode(stopNode),
	restart: onNode(restart),
	'disk-full': onNode(fillDisk),
	clone: onNode(clone),
	partition: onMesh(partition),
	cut: onMesh(cut),
	drop: onMesh(drop),
	delay: onMesh(delay),
	'full-node': onMesh(hangFullNode),
};

function onNode(inject: Injector['inject']): Injector {
	return { wholeMesh: false, inject };
}

function onMesh(inject: Injector['inject']): Injector {
	return { wholeMesh: true, inject };
}

async function killNode(injection: Injection): Promise<void> {
	await kill(injection, (process) => process.kill('SIGKILL'), 'the node alone');
}

async function killGroup(injection: Injection): Promise<void> {
	await kill(injection, ({ pid }) => process.kill(-(pid as number), 'SIGKILL'), 'the node and its children');
}

async function kill(injection: Injection, shoot: (process: OwnedProcess) => void, what: string): Promise<void> {
	const { mesh, random, quiet, victim, began } = injection;
	const node = mesh.node(victim);
	const downMs = random.between(3_000, 6_000);
	node.closing();
	const fault = began([victim], `${what}, down for ${downMs} ms`);
	shoot(node.process);
	await node.process.exited;
	await pause(downMs, quiet);
	await startAgain(injection, victim, fault);
}

async function killChild(injection: Injection): Promise<void> {
	const { mesh, random, victim, began } = injection;
	const children = await mesh.children(victim);
	if (children.length === 0) return;
	const { pid, mode } = random.pick(children);
	const fault = began([victim], `its worker ${mode}`);
	process.kill(pid, 'SIGKILL');
	fault.endMs = Date.now();
	await back(injection, victim, fault);
}

async function stopNode(injection: Injection): Promise<void> {
	const { mesh, random, quiet, victim, began } = injection;
	// Most are longer than a lease, which is what is to be seen; some are so short that nobody should notice.
	const ms = random.chance(850) ? random.between(16_000, 20_000) : random.pick([5_000, 8_000, 60_000, 120_000]);
	const owned = mesh.node(victim).process;
	const fault = began([victim], `for ${ms} ms`);
	owned.kill('SIGSTOP');
	await pause(ms, quiet);
	fault.endMs = Date.now();
	owned.kill('SIGCONT');
	await back(injection, victim, fault);
}

async function restart(injection: Injection): Promise<void> {
	const { mesh, victim, began } = injection;
	const fault = began([victim], 'in order');
	await mesh.node(victim).stop();
	await startAgain(injection, victim, fault);
}

async function fillDisk(injection: Injection): Promise<void> {
	const { mesh, random, quiet, victim, began } = injection;
	const ms = random.between(5_000, 20_000);
	const path = join(mesh.node(victim).home.paths.root, 'filler');
	const fault = began([victim], `for ${ms} ms`);
	await fill(path);
	await pause(ms, quiet);
	await rm(path);
	fault.endMs = Date.now();
	await back(injection, victim, fault);
}

const FILL_BYTES = 64 * 1024;

async function fill(path: string): Promise<void> {
	const file = await open(path, 'w');
	try {
		for (;;) await file.write(Buffer.alloc(FILL_BYTES));
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
	} finally {
		await file.close();
	}
}

const CLONE_LIVES_MS = 30_000;
const KEYS = ['identityKey', 'meshKey', 'operatorId', 'roster', 'addresses', 'config'] as const;

/** A second process with the keys of a home, and nothing else of it. */
async function clone(injection: Injection): Promise<void> {
	const { mesh, quiet, victim, began } = injection;
	const { paths } = mesh.node(victim).home;
	const root = join(mesh.folder, 'clones', `${victim}-${Date.now()}`);
	await mkdir(root, { recursive: true });
	for (const key of KEYS) await cp(paths[key], join(root, paths[key].slice(paths.root.length + 1)));
	await withoutDoor(join(root, 'config.toml'));
	const fault = began([victim], 'its keys in a second home');
	const env = { ...process.env, POSTER_NATIVE: mesh.cluster.native };
	const command = ownCommand('start', '--json', '--home', root);
	const twin = await mesh.cluster.processes.start(`clone-of-${victim}`, command, env);
	if (twin.pid !== undefined) mesh.guests.set(twin.pid, victim);
	const over = new AbortController();
	const ended = twin.exited.then(() => over.abort());
	await pause(CLONE_LIVES_MS, AbortSignal.any([quiet, over.signal]));
	const noticed = over.signal.aborted;
	await twin.stop();
	await ended;
	if (twin.pid !== undefined) mesh.guests.delete(twin.pid);
	if (!noticed && !quiet.aborted) fault.failure = 'the second process with its key went on';
	// As its operator does who hears the alarm: from it on the node claims nothing more.
	if (mesh.node(victim).running) await mesh.node(victim).stop();
	await startAgain(injection, victim, fault);
}

/** The original's door stays its own. */
async function withoutDoor(config: string): Promise<void> {
	const tables = parse(await readFile(config, 'utf8'));
	tables['network'] = { listen: ['/ip4/127.0.0.1/tcp/0'] };
	await writeFile(config, stringify(tables));
}

async function partition(injection: Injection): Promise<void> {
	const { mesh, random, quiet, began } = injection;
	const names = shuffled(mesh, random);
	const side = names.slice(0, random.between(1, 3));
	const rest = [...names.slice(side.length), OBSERVER];
	const deaf = random.chance(300);
	const ms = random.between(5_000, 40_000);
	const fault = began(side, `cut off from the others ${deaf ? 'in one direction ' : ''}for ${ms} ms`);
	const ends = side.flatMap((a) =>
		rest.flatMap((b) => [
			mesh.proxy.impair(b, a, { blocked: true }),
			...(deaf ? [] : [mesh.proxy.impair(a, b, { blocked: true })]),
		]),
	);
	await pause(ms, quiet);
	for (const end of ends) end();
	fault.endMs = Date.now();
	for (const name of side) await back(injection, name, fault);
}

async function cut(injection: Injection): Promise<void> {
	const { mesh, random, began } = injection;
	const [a = '', b = ''] = shuffled(mesh, random);
	const fault = began([a, b], 'their connections are reset');
	mesh.proxy.cut(a, b);
	fault.endMs = Date.now();
	await back(injection, a, fault);
}

/** What lost packets are to a stream: nothing comes through for a while, then all of it. */
async function drop(injection: Injection): Promise<void> {
	const ms = injection.random.between(200, 3_000);
	await impairPair(injection, { blocked: true }, ms, 'nothing comes through');
}

async function delay(injection: Injection): Promise<void> {
	const delayMs = injection.random.between(100, 1_000);
	const ms = injection.random.between(5_000, 20_000);
	await impairPair(injection, { delayMs, jitterMs: delayMs }, ms, `${delayMs} to ${2 * delayMs} ms late`);
}

async function impairPair(injection: Injection, impairment: Impairment, ms: number, what: string): Promise<void> {
	const { mesh, random, quiet, began } = injection;
	const [a = '', b = ''] = shuffled(mesh, random);
	const fault = began([a, b], `${what} between them for ${ms} ms`);
	const ends = [mesh.proxy.impair(a, b, impairment), mesh.proxy.impair(b, a, impairment)];
	await pause(ms, quiet);
	for (const end of ends) end();
	fault.endMs = Date.now();
	await back(injection, a, fault);
}

async function hangFullNode(injection: Injection): Promise<void> {
	const { mesh, random, quiet, began } = injection;
	const ms = random.between(3_000, 15_000);
	const fault = began(['chain'], `answers nobody for ${ms} ms`);
	await mesh.cluster.chain.call('Devnet.Freeze', [true]);
	await pause(ms, quiet);
	await mesh.cluster.chain.call('Devnet.Freeze', [false]);
	fault.endMs = Date.now();
	for (const { name, roles } of mesh.shape) if (roles.includes('chain')) await back(injection, name, fault);
}

function shuffled(mesh: ChaosMesh, random: Random): readonly string[] {
	const names = mesh.shape.map(({ name }) => name);
	for (let i = names.length - 1; i > 0; i--) {
		const j = random.between(0, i);
		[names[i], names[j]] = [names[j] as string, names[i] as string];
	}
	return names;
}

async function startAgain(injection: Injection, name: string, fault: Fault): Promise<void> {
	fault.endMs = Date.now();
	try {
		await injection.mesh.cluster.startNodes([name], []);
	} catch (error) {
		fault.failure = `${name} does not start again: ${(error as Error).message}`;
		return;
	}
	await back(injection, name, fault);
}

/** Waits until the node works with others again; the time in which another fault has it does not count. */
async function back({ mesh, faults }: Injection, name: string, fault: Fault): Promise<void> {
	const hit = (): boolean =>
		faults.some((other) => other !== fault && other.endMs === undefined && other.victims.includes(name));
	let end = performance.now() + BACK_MS;
	let last = 'it is gone';
	while (performance.now() < end) {
		if (hit()) end = performance.now() + BACK_MS;
		else last = await troubleOf(mesh, name);
		if (last === '') return;
		await sleep(POLL_MS);
	}
	fault.failure ??= `${name} is not back after ${BACK_MS} ms: ${last}`;
}

/** Empty when it works with others. */
async function troubleOf(mesh: ChaosMesh, name: string): Promise<string> {
	const node = mesh.node(name);
	if (!node.running) return node.died ?? 'it does not run';
	try {
		const { synced, connected } = await node.status();
		return synced && connected > 0 ? '' : `synced ${synced}, connected to ${connected}`;
	} catch (error) {
		if (!isPosterError(error)) throw error;
		return error.message;
	}
}
