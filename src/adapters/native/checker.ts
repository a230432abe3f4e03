/**
 * Port `VanillaChecker` over `poster-native check`: vanilla proofs from anywhere are judged in a process of their own,
 * which writes the good ones into a spool file. The bytes never come back.
 */
import { lstat, rm } from 'node:fs/promises';
import { isPosterError, PosterError } from '../../domain/errors.ts';
import { type SectorNumber, sectorNumber } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import { proofShape } from '../../domain/proof.ts';
import type { OpenRequest } from '../../domain/vanilla.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CheckVerdict, Spool, SpoolSession, VanillaChecker } from '../../ports/vanilla.ts';
import { booleanField, frameError, type NativeFrame, numberField, textField } from './frame.ts';
import { type NativeChild, type NativeJob, stuck } from './native-child.ts';
import { encodeSectorList } from './sector-list.ts';

export class NativeChecker implements VanillaChecker {
	readonly #child: NativeChild;

	readonly #clock: Clock;

	constructor(child: NativeChild, clock: Clock) {
		this.#child = child;
		this.#clock = clock;
	}

	async begin(request: OpenRequest, path: string): Promise<SpoolSession> {
		await dropForeign(path, request.sectors.length * proofShape(request.proofType).vanillaBytes);
		const session = new CheckSession(request, path, this.#clock);
		try {
			await session.begin(await this.#child.open(session.listener));
		} catch (cause) {
			throw checkError(cause);
		}
		return session;
	}

	close(): Promise<void> {
		return this.#child.close();
	}
}

class CheckSession implements SpoolSession {
	readonly spool: Spool;
	readonly resumed: SectorNumber[] = [];
	readonly listener = { frame: this.#frame.bind(this), lost: this.#lost.bind(this) };
	readonly #request: OpenRequest;
	readonly #clock: Clock;
	readonly #begun = Promise.withResolvers<void>();
	/** Blobs that wait for their verdict, by tag. The pipe is their bound: a full one stops `check`. */
	readonly #pending = new Map<number, PromiseWithResolvers<CheckVerdict>>();
	#job: NativeJob | undefined;
	#lastTag = 0;
	#spooled: PromiseWithResolvers<void> | undefined;
	#closed: PromiseWithResolvers<void> | undefined;
	#end: PosterError | undefined;
	#dropped: Promise<void> | undefined;

	constructor(request: OpenRequest, path: string, clock: Clock) {
		this.#request = request;
		this.#clock = clock;
		const slots = new Map(request.sectors.map((sector, slot) => [sector.number, slot]));
		this.spool = { path, slotOf: (sector) => slots.get(sector) ?? -1 };
	}

	async begin(job: NativeJob): Promise<void> {
		this.#job = job;
		const header = {
			type: 'begin',
			proofType: this.#request.proofType,
			randomness: this.#request.randomness,
			spool: this.spool.path,
			resume: true,
		};
		await this.#answered(this.#begun.promise, job.send(header, encodeSectorList(this.#request.sectors)));
	}

	async check(sector: SectorNumber, proof: Uint8Array): Promise<CheckVerdict> {
		const job = this.#open();
		this.#lastTag = (this.#lastTag + 1) >>> 0;
		const tag = this.#lastTag;
		const verdict = Promise.withResolvers<CheckVerdict>();
		this.#pending.set(tag, verdict);
		try {
			return await this.#answered(verdict.promise, job.send({ type: 'blob', sector, tag }, proof));
		} catch (cause) {
			throw checkError(cause);
		} finally {
			this.#pending.delete(tag);
		}
	}

	async finish(): Promise<void> {
		const job = this.#open();
		this.#spooled ??= Promise.withResolvers<void>();
		try {
			await this.#answered(this.#spooled.promise, job.send({ type: 'end' }));
			await this.#leave(true);
		} catch (cause) {
			throw checkError(cause);
		}
	}

	drop(): Promise<void> {
		this.#dropped ??= this.#drop();
		return this.#dropped;
	}

	async #drop(): Promise<void> {
		// Whatever the worker says or can no longer say, the file goes.
		if (this.#end === undefined) await this.#leave(false).catch(() => undefined);
		await rm(this.spool.path, { force: true });
	}

	/** Ends the job; a check that the worker has not looked at yet gets no verdict. */
	async #leave(keep: boolean): Promise<void> {
		const job = this.#open();
		this.#closed ??= Promise.withResolvers<void>();
		await this.#answered(this.#closed.promise, job.send({ type: 'drop', keep }));
	}

	/** The answer to what was sent, within a bound: a worker that is stuck is killed, which rejects both. */
	async #answered<T>(answer: Promise<T>, sent: Promise<void>): Promise<T> {
		const cancelTimeout = this.#clock.after(limits.nativeAnswerMs, () => this.#job?.kill(stuck(limits.nativeAnswerMs)));
		try {
			const [value] = await Promise.all([answer, sent]);
			return value;
		} finally {
			cancelTimeout();
		}
	}

	#open(): NativeJob {
		if (this.#end !== undefined) throw checkError(this.#end);
		if (this.#job === undefined) throw new PosterError('check-unavailable', 'the spool session has not begun');
		return this.#job;
	}

	#frame(frame: NativeFrame): void {
		const type = textField(frame.header, 'type');
		if (type === 'checked') this.#checked(frame);
		else if (type === 'resumed') this.#begun.resolve();
		else if (type === 'spooled') this.#spooled?.resolve();
		else if (type === 'dropped') this.#leftBehind();
		else if (type !== 'begun') throw frameError(`a "${type}" frame in a spool session`);
	}

	#checked({ header }: NativeFrame): void {
		const sector = sectorNumber(numberField(header, 'sector'));
		if (header['resumed'] === true) {
			this.resumed.push(sector);
			return;
		}
		const waiting = this.#pending.get(numberField(header, 'tag'));
		if (booleanField(header, 'ok')) {
			waiting?.resolve({ ok: true });
			return;
		}
		const code = textField(header, 'code');
		const detail = textField(header, 'detail');
		if (code === 'spool') waiting?.reject(spoolError(detail));
		else waiting?.resolve({ ok: false, code, detail });
	}

	#leftBehind(): void {
		this.#job?.close();
		this.#closed?.resolve();
		this.#lost(new PosterError('check-unavailable', 'the spool session is closed'));
	}

	#lost(cause: PosterError): void {
		this.#end ??= cause;
		this.#begun.reject(cause);
		this.#spooled?.reject(cause);
		this.#closed?.reject(cause);
		for (const waiting of this.#pending.values()) waiting.reject(cause);
	}
}

/** A file of another size is none of ours or was cut off: the worker would refuse it for ever. */
async function dropForeign(path: string, bytes: number): Promise<void> {
	const found = await lstat(path).catch((cause: NodeJS.ErrnoException) => {
		if (cause.code === 'ENOENT') return undefined;
		throw spoolError(cause.message, cause);
	});
	if (found === undefined || (found.isFile() && found.size === bytes)) return;
	await rm(path, { force: true }).catch((cause: Error) => {
		throw spoolError(cause.message, cause);
	});
}

function spoolError(reason: string, cause?: unknown): PosterError {
	return new PosterError('spool-io', `the spool of vanilla proofs cannot be used: ${reason}`, {
		cause,
		advice: 'Check free space and permissions of the spool folder in the home of this node.',
	});
}

function checkError(cause: unknown): PosterError {
	if (isPosterError(cause, 'spool-io', 'check-unavailable')) return cause;
	if (isPosterError(cause, 'native-failed')) {
		const { code } = cause.meta;
		if (code === 'spool' || code === 'io') return spoolError(cause.message, cause);
		return new PosterError('check-refused', cause.message, { cause, meta: cause.meta });
	}
	return new PosterError('check-unavailable', 'the checking worker is gone', {
		cause,
		...(isPosterError(cause) && cause.advice !== undefined ? { advice: cause.advice } : {}),
	});
}
