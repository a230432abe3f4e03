/** The vanilla ports without the native worker: sectors that a test lists, damages, holds back or makes fatal. */
import { closeSync, ftruncateSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { PosterError } from '../../src/domain/errors.ts';
import type { ActorId, SectorNumber } from '../../src/domain/ids.ts';
import type { CommittedSector } from '../../src/domain/manifest.ts';
import { proofShape } from '../../src/domain/proof.ts';
import type { OpenRequest, SectorFailure } from '../../src/domain/vanilla.ts';
import type {
	CheckVerdict,
	OpenedSector,
	Spool,
	SpoolSession,
	VanillaChecker,
	VanillaSource,
} from '../../src/ports/vanilla.ts';
import { fakeVanilla, wrongStatement } from './fake-proofs.ts';

export class FakeVanillaSource implements VanillaSource {
	readonly #miner: ActorId;
	readonly #sectors: ReadonlyMap<SectorNumber, CommittedSector>;
	/** Sectors that cannot be opened, and why. */
	readonly failures = new Map<SectorNumber, SectorFailure>();
	/** Sectors at which the worker dies. */
	readonly fatal = new Set<SectorNumber>();
	/** Every attempt to open a sector, in order. */
	readonly attempts: SectorNumber[] = [];
	#gate: PromiseWithResolvers<void> | undefined;
	#closed = false;

	constructor(miner: ActorId, sectors: readonly CommittedSector[]) {
		this.#miner = miner;
		this.#sectors = new Map(sectors.map((sector) => [sector.number, sector]));
	}

	/** Nothing is opened until `release`. */
	hold(): void {
		this.#gate ??= Promise.withResolvers<void>();
	}

	release(): void {
		this.#gate?.resolve();
		this.#gate = undefined;
	}

	async *open(request: OpenRequest, signal: AbortSignal): AsyncIterable<OpenedSector> {
		for (const sector of request.sectors) {
			await this.#gate?.promise;
			signal.throwIfAborted();
			if (this.#closed) throw new PosterError('vanilla-unavailable', 'closed');
			this.attempts.push(sector.number);
			if (this.fatal.has(sector.number)) throw new PosterError('vanilla-unavailable', 'the worker died');
			yield this.#opened(request, sector);
		}
	}

	#opened(request: OpenRequest, { number, commR }: CommittedSector): OpenedSector {
		const held = request.miner === this.#miner ? this.#sectors.get(number) : undefined;
		const failure = this.failures.get(number) ?? (held === undefined ? 'missing' : undefined);
		if (failure !== undefined) return { sector: number, failure, detail: 'as the test asked' };
		if (held?.commR !== commR) return { sector: number, failure: 'mismatch', detail: 'another commitment' };
		return { sector: number, proof: fakeVanilla(request, held) };
	}

	async holdings(miner: ActorId): Promise<readonly SectorNumber[]> {
		if (this.#closed) throw new PosterError('vanilla-unavailable', 'closed');
		return miner === this.#miner ? [...this.#sectors.keys()].sort((a, b) => a - b) : [];
	}

	async close(): Promise<void> {
		this.#closed = true;
	}
}

export class FakeChecker implements VanillaChecker {
	#closed = false;
	/** Errors for the next checks, one each. */
	readonly failNext: PosterError[] = [];
	/** Sessions that are open. */
	readonly sessions = new Set<SpoolSession>();
	/** Blobs being checked now, and the most at any time. */
	checking = 0;
	mostChecking = 0;
	#gate: PromiseWithResolvers<void> | undefined;

	hold(): void {
		this.#gate ??= Promise.withResolvers<void>();
	}

	release(): void {
		this.#gate?.resolve();
		this.#gate = undefined;
	}

	async begin(request: OpenRequest, path: string): Promise<SpoolSession> {
		if (this.#closed) throw new PosterError('check-unavailable', 'closed');
		const wrong = wrongStatement(request);
		if (wrong !== undefined) throw new PosterError('check-refused', wrong, { meta: { code: wrong } });
		if ([...this.sessions].some(({ spool }) => spool.path === path)) {
			throw new PosterError('spool-io', 'the spool is in use');
		}
		const session: SpoolSession = new FakeSession(request, path, {
			check: () => this.#check(),
			over: () => this.sessions.delete(session),
		});
		this.sessions.add(session);
		return session;
	}

	async #check(): Promise<() => void> {
		this.checking++;
		this.mostChecking = Math.max(this.mostChecking, this.checking);
		await this.#gate?.promise;
		const failure = this.failNext.shift();
		if (failure !== undefined) {
			this.checking--;
			throw failure;
		}
		return () => {
			this.checking--;
		};
	}

	async close(): Promise<void> {
		this.#closed = true;
	}
}

interface SessionOwner {
	check(): Promise<() => void>;
	over(): void;
}

class FakeSession implements SpoolSession {
	readonly spool: Spool;
	readonly resumed: SectorNumber[] = [];
	readonly #request: OpenRequest;
	readonly #owner: SessionOwner;
	readonly #good = new Set<SectorNumber>();
	readonly #bytes: number;
	readonly #file: number;
	#open = true;

	constructor(request: OpenRequest, path: string, owner: SessionOwner) {
		this.#request = request;
		this.#owner = owner;
		this.#bytes = proofShape(request.proofType).vanillaBytes;
		const slots = new Map(request.sectors.map(({ number }, slot) => [number, slot]));
		this.spool = { path, slotOf: (sector) => slots.get(sector) ?? -1 };
		try {
			const exists = statSync(path, { throwIfNoEntry: false }) !== undefined;
			this.#file = openSync(path, exists ? 'r+' : 'w+', 0o600);
			ftruncateSync(this.#file, this.#bytes * request.sectors.length);
		} catch (cause) {
			throw new PosterError('spool-io', 'the spool cannot be made', { cause });
		}
		for (const sector of request.sectors) {
			const kept = new Uint8Array(this.#bytes);
			readSync(this.#file, kept, 0, this.#bytes, this.#bytes * this.spool.slotOf(sector.number));
			if (Buffer.compare(kept, fakeVanilla(request, sector)) !== 0) continue;
			this.resumed.push(sector.number);
			this.#good.add(sector.number);
		}
	}

	async check(number: SectorNumber, proof: Uint8Array): Promise<CheckVerdict> {
		const done = await this.#owner.check();
		try {
			if (!this.#open) throw new PosterError('check-unavailable', 'the session is over');
			const slot = this.spool.slotOf(number);
			const sector = this.#request.sectors[slot];
			if (sector === undefined) return refused('not-asked');
			if (proof.length !== this.#bytes) return refused('length');
			if (Buffer.compare(proof, fakeVanilla(this.#request, sector)) !== 0) return refused('merkle');
			if (this.#good.has(number)) return refused('duplicate');
			writeSync(this.#file, proof, 0, proof.length, slot * this.#bytes);
			this.#good.add(number);
			return { ok: true };
		} finally {
			done();
		}
	}

	async finish(): Promise<void> {
		if (!this.#open) throw new PosterError('check-unavailable', 'the session is over');
		await nextTurn();
		this.#close();
	}

	async drop(): Promise<void> {
		await nextTurn();
		if (this.#open) this.#close();
		rmSync(this.spool.path, { force: true });
	}

	#close(): void {
		this.#open = false;
		closeSync(this.#file);
		this.#owner.over();
	}
}

/** A worker answers no sooner. */
function nextTurn(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}

function refused(code: string): CheckVerdict {
	return { ok: false, code, detail: 'as a fake sees it' };
}
