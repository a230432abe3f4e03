/** Access to the recorded exchanges in lotus-rpc/. Each is one JSON file as the recorder wrote it. */
import { readdirSync, readFileSync } from 'node:fs';

const folder = new URL('./lotus-rpc/', import.meta.url);

/** One HTTP exchange, one WebSocket session (`frames`) or a file of exact parameters. */
export interface Recording {
	readonly file: string;
	readonly name: string;
	readonly http_status?: number;
	readonly auth?: string;
	readonly path?: string;
	readonly request?: { readonly method?: string; readonly params?: unknown; readonly raw?: string };
	readonly response?: { readonly result?: unknown; readonly error?: RecordedError; readonly raw?: string };
	readonly frames?: readonly RecordedFrame[];
	readonly [other: string]: unknown;
}

export interface RecordedError {
	readonly code: number;
	readonly message: string;
	readonly data?: string;
}

export interface RecordedFrame {
	readonly dir: '>' | '<';
	readonly ms: number;
	readonly op?: string;
	readonly frame: unknown;
}

export const recordings: readonly Recording[] = readdirSync(folder)
	.filter((file) => file.endsWith('.json'))
	.sort()
	.map((file) => ({ file, ...JSON.parse(readFileSync(new URL(file, folder), 'utf8')) }));

/** The recording whose file starts with this number, e.g. `'052'`. */
export function recording(number: string): Recording {
	const found = recordings.find(({ file }) => file.startsWith(`${number}-`));
	if (found === undefined) throw new Error(`no recording ${number}`);
	return found;
}

/** Every object in any recording that `select` accepts, with the file it stands in. */
export function* findObjects(
	select: (value: Record<string, unknown>) => boolean,
): Generator<{ readonly file: string; readonly value: Record<string, unknown> }> {
	for (const { file, ...rest } of recordings) yield* walk(rest, file);

	function* walk(value: unknown, file: string): Generator<{ file: string; value: Record<string, unknown> }> {
		if (typeof value !== 'object' || value === null) return;
		if (!Array.isArray(value) && select(value as Record<string, unknown>)) {
			yield { file, value: value as Record<string, unknown> };
		}
		for (const child of Object.values(value)) yield* walk(child, file);
	}
}
