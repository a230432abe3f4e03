/**
 * Which core this is: SHA-256 over the sources of everything that decides (domain, codec, core). Two programs of one
 * version decide alike on the same events; a recording names the version that made it.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const SOURCES = resolve(import.meta.dirname, '../..');
const FOLDERS = ['domain', 'codec', 'core'];
/** Written beside the compiled program, which no longer has the sources. */
export const CORE_VERSION_FILE = 'core-version.txt';

/** 64 hex digits. */
export function coreVersion(): string {
	if (import.meta.filename.endsWith('.ts')) return sourceVersion(SOURCES);
	return readFileSync(join(SOURCES, CORE_VERSION_FILE), 'utf8').trim();
}

/** The same on every machine: paths in the order of their bytes with `/`, lines ended by a line feed alone. */
export function sourceVersion(sources: string): string {
	const hash = createHash('sha256');
	for (const path of FOLDERS.flatMap((folder) => sourcesIn(sources, folder)).sort()) {
		const text = readFileSync(join(sources, path), 'utf8').replaceAll('\r\n', '\n');
		hash.update(`${path}\0${Buffer.byteLength(text)}\0${text}`);
	}
	return hash.digest('hex');
}

function sourcesIn(sources: string, folder: string): string[] {
	return readdirSync(join(sources, folder), { withFileTypes: true }).flatMap((entry) => {
		const path = `${folder}/${entry.name}`;
		if (entry.isDirectory()) return sourcesIn(sources, path);
		return entry.name.endsWith('.ts') ? [path] : [];
	});
}
