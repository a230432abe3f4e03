/** The version of this program, from the package it runs in (a clone or an installed one). */
import { readFileSync } from 'node:fs';

export function programVersion(): string {
	const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
	return (JSON.parse(text) as { version: string }).version;
}
