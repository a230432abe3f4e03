/**
 * Kills a node around its writes, life after life on one store, and checks what recovery promises: no (incarnation,
 * sequence) says two things, what was told or sent is still known, no nonce and no partition gets a second message.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DEATHS, type Death, PARTITIONS, type Said } from './mortal-node.ts';

const PROGRAM = join(import.meta.dirname, 'mortal-node.ts');
/** Few batches a life, so that a store lives through many deaths before its work is done. */
const BATCHES = 6;

export interface KillReport {
	readonly kills: Readonly<Record<Death, number>>;
	/** Stores that were worked on to the end. */
	readonly stores: number;
	/** Results, messages and statements that left a node. */
	readonly results: number;
	readonly messages: number;
	readonly statements: number;
}

interface Kill {
	readonly batch: number;
	readonly death: Death;
}

/** Each promise that does not hold fails an assertion, which names life, batch and death. */
export async function killRun(folder: string, kills: number, seed: number): Promise<KillReport> {
	const counts = Object.fromEntries(DEATHS.map((death) => [death, 0])) as Record<Death, number>;
	const sums = { stores: 0, results: 0, messages: 0, statements: 0 };
	for (let killed = 0; killed < kills; sums.stores++) {
		const store = join(folder, `${sums.stores}`);
		const promises = new Promises();
		for (let done = false; !done; ) {
			const death = DEATHS[killed % DEATHS.length] as Death;
			const kill = killed < kills ? { batch: 1 + (drawn(seed, killed) % BATCHES), death } : null;
			const life = await live(store, kill);
			promises.heed(life.said, kill === null ? 'the last life' : `kill ${killed}, ${death} batch ${kill.batch}`);
			done = life.done;
			if (!done) counts[death]++;
			if (!done) killed++;
		}
		const { results, messages, statements } = promises.end();
		sums.results += results;
		sums.messages += messages;
		sums.statements += statements;
	}
	return { kills: counts, ...sums };
}

/** Ends by its own hand, or when it is done. */
async function live(
	folder: string,
	kill: Kill | null,
): Promise<{ readonly said: readonly Said[]; readonly done: boolean }> {
	const args = kill === null ? [] : [`${kill.batch}`, kill.death];
	const child = spawn(process.execPath, [PROGRAM, folder, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
	const exit = once(child, 'exit');
	const said: Said[] = [];
	let done = false;
	for await (const line of createInterface({ input: child.stdout })) {
		const one = JSON.parse(line) as Said;
		said.push(one);
		// It would tick on: everything that it had to do was said.
		if (one.type === 'done') done = child.kill('SIGKILL');
	}
	const [code, signal] = await exit;
	assert.equal(signal, 'SIGKILL', `the node ended by itself with ${code}`);
	return { said, done };
}

class Promises {
	readonly #statements = new Map<string, string>();
	readonly #results = new Set<string>();
	readonly #messages = new Set<string>();
	/** CID by nonce and by partition. */
	readonly #sent = new Map<string, string>();
	#incarnation = 0;

	heed(said: readonly Said[], when: string): void {
		const [first] = said;
		assert.ok(first?.type === 'recovered', when);
		assert.ok(first.incarnation >= this.#incarnation, `${when}: the incarnation goes back`);
		this.#incarnation = first.incarnation;
		assert.deepEqual(
			[...this.#results].filter((work) => !first.results.includes(work as never)),
			[],
			`${when}: lost results`,
		);
		assert.deepEqual(
			[...this.#messages].filter((cid) => !first.messages.includes(cid as never)),
			[],
			`${when}: lost messages`,
		);
		for (const one of said) {
			if (one.type === 'statement') {
				this.#once(this.#statements, `${one.incarnation}/${one.sequence}`, one.hash, when);
				if (one.result !== null) this.#results.add(one.result);
				if (one.message !== null) this.#messages.add(one.message);
			}
			if (one.type === 'pushed') {
				this.#messages.add(one.cid);
				this.#once(this.#sent, `nonce ${one.nonce}`, one.cid, when);
				this.#once(this.#sent, `partition ${one.partition}`, one.cid, when);
			}
		}
	}

	/** Of a store whose work is done. */
	end(): Pick<KillReport, 'results' | 'messages' | 'statements'> {
		// A result that was stored and not told any more is found by sync; a message has to be sent.
		assert.equal(this.#messages.size, PARTITIONS, 'every partition has one message');
		return { results: this.#results.size, messages: this.#messages.size, statements: this.#statements.size };
	}

	#once(known: Map<string, string>, place: string, value: string, when: string): void {
		assert.equal(known.get(place) ?? value, value, `${when}: two things at ${place}`);
		known.set(place, value);
	}
}

/** FNV-1a: the same kills for the same seed. */
function drawn(...parts: readonly (number | string)[]): number {
	let hash = 0x811c9dc5;
	for (const char of parts.join('/')) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
	return (hash ^ (hash >>> 15)) >>> 0;
}
