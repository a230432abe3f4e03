/** The folder of recorded segments: the oldest give way so that it keeps an hour, within its bound of bytes. */
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '../../domain/limits.ts';
import { unlessMissing } from '../files.ts';
import { SEGMENT_SUFFIX } from './format.ts';

/** One file that is being written. */
export interface SegmentFile {
	append(bytes: Uint8Array): Promise<void>;
	close(): Promise<void>;
}

/** Where segments are kept. Everything rejects with the errors of the file system. */
export interface SegmentFolder {
	/** A new segment; `startMs` is the wall clock at its beginning. */
	create(startMs: number): Promise<SegmentFile>;
	/** Removes what is too old or too much. Resolves to the bytes that are left. */
	prune(): Promise<number>;
}

interface Found {
	readonly path: string;
	readonly startMs: number;
	readonly endMs: number;
	readonly bytes: number;
}

const NAME = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3}Z)-\d+\.rec$/;

/** `turn` tells segments of one millisecond apart. */
function nameOf(startMs: number, turn: number): string {
	return `${new Date(startMs).toISOString().replaceAll(':', '-')}-${turn}${SEGMENT_SUFFIX}`;
}

function startOf(name: string): number | undefined {
	const match = NAME.exec(name);
	return match === null ? undefined : Date.parse(`${match[1]}T${match[2]}:${match[3]}:${match[4]}`);
}

export class SegmentFiles implements SegmentFolder {
	readonly #folder: string;

	constructor(folder: string) {
		this.#folder = folder;
	}

	async create(startMs: number): Promise<SegmentFile> {
		await mkdir(this.#folder, { recursive: true, mode: 0o700 });
		const taken = new Set(await readdir(this.#folder));
		let turn = 0;
		while (taken.has(nameOf(startMs, turn))) turn++;
		const file = await open(join(this.#folder, nameOf(startMs, turn)), 'ax', 0o600);
		return { append: (bytes) => file.appendFile(bytes), close: () => file.close() };
	}

	async prune(): Promise<number> {
		const newestFirst = (await this.#found()).sort((a, b) => b.startMs - a.startMs);
		let bytes = 0;
		let coveredMs = 0;
		for (const [i, segment] of newestFirst.entries()) {
			bytes += segment.bytes;
			const tooMany = i >= limits.recorderSegments || bytes > limits.recorderBytes;
			// Time in which nothing was recorded does not count: what led to a failure stays until an hour came after it.
			if (i > 0 && (tooMany || coveredMs >= limits.recorderMs)) {
				await rm(segment.path, { force: true });
				bytes -= segment.bytes;
			}
			coveredMs += Math.max(0, segment.endMs - segment.startMs);
		}
		return bytes;
	}

	async #found(): Promise<Found[]> {
		const names = (await unlessMissing(readdir(this.#folder), this.#folder)) ?? [];
		const found: Found[] = [];
		for (const name of names) {
			const startMs = startOf(name);
			if (startMs === undefined) continue;
			const path = join(this.#folder, name);
			const info = await unlessMissing(stat(path), path);
			if (info !== undefined) found.push({ path, startMs, endMs: info.mtimeMs, bytes: info.size });
		}
		return found;
	}
}
