/**
 * Inputs on which the core failed. The process ends on such a failure, since its state can no longer be trusted; an
 * input on which it failed twice is not looked at again, so that one bad statement cannot keep a node down.
 */
import { z } from 'zod';
import type { Event } from '../core/api.ts';
import { limits } from '../domain/limits.ts';
import { readSmallFile, writeFileAtomic } from './files.ts';
import { statementHash } from './inbound.ts';

const Content = z.record(z.string().regex(/^[0-9a-f]{64}$/), z.int().positive());
const FAILURES = 2;

export class Quarantine {
	readonly #path: string;
	readonly #failures: Map<string, number>;

	private constructor(path: string, failures: Map<string, number>) {
		this.#path = path;
		this.#failures = failures;
	}

	/** A file that cannot be read as such is as good as none: it only ever makes the node more careful. */
	static async load(path: string): Promise<Quarantine> {
		const bytes = await readSmallFile(path, limits.quarantineFileBytes);
		if (bytes === undefined) return new Quarantine(path, new Map());
		const content = Content.safeParse(parseJson(bytes.toString('utf8')));
		return new Quarantine(path, new Map(Object.entries(content.success ? content.data : {})));
	}

	has(hash: string): boolean {
		return (this.#failures.get(hash) ?? 0) >= FAILURES;
	}

	/** Remembers that the core failed on this event; only statements of others can be kept away. */
	async blame(event: Event): Promise<void> {
		if (event.type !== 'statement') return;
		const hash = statementHash(event.raw);
		const count = (this.#failures.get(hash) ?? 0) + 1;
		this.#failures.delete(hash);
		this.#failures.set(hash, count);
		const newest = [...this.#failures].slice(-limits.quarantined);
		await writeFileAtomic(this.#path, JSON.stringify(Object.fromEntries(newest)), 0o600);
	}
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (error) {
		if (error instanceof SyntaxError) return undefined;
		throw error;
	}
}
