/** Tells the core, and the directory, which sectors lie on this machine: at start and whenever they changed. */
import type { EventOf } from '../core/api.ts';
import { Bitfield } from '../domain/bitfield.ts';
import { isPosterError } from '../domain/errors.ts';
import type { ActorId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { Directory } from '../ports/directory.ts';
import type { Log } from '../ports/log.ts';
import type { VanillaSource } from '../ports/vanilla.ts';

export interface HoldingsPorts {
	readonly source: VanillaSource;
	readonly directory: Directory;
	readonly clock: Clock;
	readonly log: Log;
}

export interface HoldingsOptions {
	/** Miners this node serves, by the roster of the moment. */
	readonly miners: () => readonly ActorId[];
	readonly enqueue: (event: EventOf<'holdings'>) => void;
}

export class HoldingsWatch {
	readonly #ports: HoldingsPorts;
	readonly #options: HoldingsOptions;
	readonly #known = new Map<ActorId, Bitfield>();
	readonly #abort = new AbortController();
	#running: Promise<void> = Promise.resolve();

	constructor(ports: HoldingsPorts, options: HoldingsOptions) {
		this.#ports = ports;
		this.#options = options;
	}

	start(fatal: (error: unknown) => void): void {
		this.#running = this.#run().catch((error: unknown) => {
			if (!this.#abort.signal.aborted) fatal(error);
		});
	}

	async stop(): Promise<void> {
		this.#abort.abort();
		await this.#running;
	}

	async #run(): Promise<void> {
		const { signal } = this.#abort;
		while (!signal.aborted) {
			for (const miner of this.#options.miners()) await this.#look(miner);
			await this.#ports.clock.sleep(limits.holdingsScanMs, signal);
		}
	}

	async #look(miner: ActorId): Promise<void> {
		const { source, directory, log } = this.#ports;
		try {
			const sectors = Bitfield.of(await source.holdings(miner));
			const before = this.#known.get(miner);
			if (before?.equals(sectors)) return;
			this.#known.set(miner, sectors);
			log.info({ miner, sectors: sectors.size }, 'sectors on this machine');
			this.#options.enqueue({ type: 'holdings', miner, sectors });
			directory.provide(miner, blocksOf(sectors));
		} catch (error) {
			// The folders are looked at again; until then the last answer stands.
			if (!isPosterError(error)) throw error;
			log.error({ error, code: error.code, miner }, 'the sector folders could not be read');
		}
	}
}

/** Blocks of 1,024 sector numbers that hold at least one sector: the directory's keys. */
function blocksOf(sectors: Bitfield): readonly number[] {
	const blocks = new Set<number>();
	for (const { start, end } of sectors.runs) {
		const last = Math.floor((end - 1) / limits.directoryBlockSectors);
		for (let block = Math.floor(start / limits.directoryBlockSectors); block <= last; block++) blocks.add(block);
	}
	return [...blocks];
}
