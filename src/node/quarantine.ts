/**
 * What the core failed on. The process ends on such a failure, since its state can no longer be trusted; an input on
 * which it failed twice is not looked at again, so that one bad statement cannot keep a node down. Rules run in ticks, so
 * the failure may come after its cause: of several inputs none is blamed, but the next start is a careful one, which
 * lets the rules look after each input, and tries what is stored before it is believed (stored-entries.ts).
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Event } from '../core/api.ts';
import { limits } from '../domain/limits.ts';
import { readSmallFile, writeFileAtomic } from './files.ts';
import { statementHash } from './inbound.ts';

const Content = z.object({
	failures: z.record(z.string(), z.int().positive()),
	crashes: z.int().nonnegative(),
	unexplained: z.int().nonnegative().default(0),
	epoch: z.int().nonnegative().nullable(),
});
type Content = z.infer<typeof Content>;

const NOTHING: Content = { failures: {}, crashes: 0, unexplained: 0, epoch: null };
const FAILURES = 2;
/** Of an input: its kind, and by what it is known again. */
const NAME = /^(statement|questions|view)\/[0-9a-f]{64}$/;
const STATEMENT = 'statement/';

export class Quarantine {
	readonly #path: string;
	readonly #failures: Map<string, number>;
	#crashes: number;
	#unexplained: number;
	#epoch: number | null;

	private constructor(path: string, { failures, crashes, unexplained, epoch }: Content) {
		this.#path = path;
		// Names that an older version of this program gave say of no input what it is.
		this.#failures = new Map(Object.entries(failures).filter(([name]) => NAME.test(name)));
		this.#crashes = crashes;
		this.#unexplained = unexplained;
		this.#epoch = epoch;
	}

	/** A file that cannot be read as such is as good as none: it only ever makes the node more careful. */
	static async load(path: string): Promise<Quarantine> {
		const bytes = await readSmallFile(path, limits.quarantineFileBytes);
		const content = Content.safeParse(bytes === undefined ? NOTHING : parseJson(bytes.toString('utf8')));
		return new Quarantine(path, content.success ? content.data : NOTHING);
	}

	/** Failures of the core in a row, none of which was survived for `limits.carefulMs`. */
	get crashes(): number {
		return this.#crashes;
	}

	/** Those of them that no input explains: something that is stored, or chance. */
	get unexplained(): number {
		return this.#unexplained;
	}

	/** The chain's height at the last of them; null when it was not known. */
	get epoch(): number | null {
		return this.#epoch;
	}

	/** Whether the statement with this hash is not looked at. */
	has(hash: string): boolean {
		return this.#isHeld(STATEMENT + hash);
	}

	/** Whether the input is not looked at. */
	holds(event: Event): boolean {
		if (this.#failures.size === 0) return false;
		const name = inputName(event);
		return name !== undefined && this.#isHeld(name);
	}

	/** The core failed: on one of these inputs, or on something else if there is none. `epoch`: -1 if it is not known. */
	async blame(suspects: readonly Event[], epoch: number): Promise<void> {
		const [only, ...others] = suspects;
		const name = only === undefined || others.length > 0 ? undefined : inputName(only);
		if (name === undefined) this.#unexplained++;
		else this.#count(name, (this.#failures.get(name) ?? 0) + 1);
		this.#crashes++;
		this.#epoch = epoch < 0 ? null : epoch;
		await this.#save();
	}

	/** A statement that the core failed on when it came from the disk: nor is it taken from peers. */
	async condemn(hashes: readonly string[]): Promise<void> {
		for (const hash of hashes) this.#count(STATEMENT + hash, FAILURES);
		if (hashes.length > 0) await this.#save();
	}

	/**
	 * The core has run for long enough without a failure. Questions and views are taken again: what met the bug was the
	 * state of that time, and a peer or a miner may not be refused for ever.
	 */
	async survived(): Promise<void> {
		const passing = [...this.#failures.keys()].filter((name) => !name.startsWith(STATEMENT));
		if (this.#crashes === 0 && passing.length === 0) return;
		for (const name of passing) this.#failures.delete(name);
		this.#crashes = 0;
		this.#unexplained = 0;
		await this.#save();
	}

	#isHeld(name: string): boolean {
		return (this.#failures.get(name) ?? 0) >= FAILURES;
	}

	/** The newest last. */
	#count(name: string, failures: number): void {
		this.#failures.delete(name);
		this.#failures.set(name, failures);
		for (const oldest of this.#failures.keys()) {
			if (this.#failures.size <= limits.quarantined) break;
			this.#failures.delete(oldest);
		}
	}

	async #save(): Promise<void> {
		const content: Content = {
			failures: Object.fromEntries(this.#failures),
			crashes: this.#crashes,
			unexplained: this.#unexplained,
			epoch: this.#epoch,
		};
		await writeFileAtomic(this.#path, JSON.stringify(content), 0o600);
	}
}

/** From outside of this program: what a bug in the core may be met by. */
export function isInput({ type }: Event): boolean {
	return type === 'statement' || type === 'chain-view' || type === 'sync-asked' || type === 'pull-asked';
}

/**
 * By what an input is known again when it comes again. A peer's questions and a miner's views change all the time: all
 * questions of the peer, and all views of the miner's deadlines of the moment, are one.
 */
function inputName(event: Event): string | undefined {
	switch (event.type) {
		case 'statement':
			return STATEMENT + statementHash(event.raw);
		case 'sync-asked':
		case 'pull-asked':
			return `questions/${digest(event.peer)}`;
		case 'chain-view': {
			const { miner, challenges } = event.view;
			return `view/${digest(`${miner}/${challenges.map(({ challenge }) => challenge.challenge).join()}`)}`;
		}
		default:
			return undefined;
	}
}

function digest(text: string): string {
	return createHash('sha256').update(text).digest('hex');
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (error) {
		if (error instanceof SyntaxError) return undefined;
		throw error;
	}
}
