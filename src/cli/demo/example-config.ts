/**
 * Configs of the demo and the end-to-end tests: the examples of bootstrap/ with some values replaced, so that the
 * examples cannot rot.
 */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parse, stringify, type TomlTable, type TomlValue } from 'smol-toml';

export type ExampleName = 'bootstrap' | 'storage' | 'prover' | 'chain-submitter' | 'all-in-one';

/** Tables are merged, everything else replaced; null removes. */
export interface ConfigChanges {
	readonly [key: string]: TomlValue | ConfigChanges | null;
}

const FOLDER = resolve(import.meta.dirname, '../../../bootstrap');

/** TOML text. `changes` are applied one after another. */
export async function exampleConfig(name: ExampleName, ...changes: readonly ConfigChanges[]): Promise<string> {
	const example = parse(await readFile(resolve(FOLDER, `${name}.toml`), 'utf8'));
	return stringify(changes.reduce(merge, example));
}

function merge(table: TomlTable, changes: ConfigChanges): TomlTable {
	const merged: TomlTable = { ...table };
	for (const [key, value] of Object.entries(changes)) {
		if (value === null) delete merged[key];
		else if (isTable(value)) merged[key] = merge(asTable(merged[key]), value);
		else merged[key] = value as TomlValue;
	}
	return merged;
}

function isTable(value: unknown): value is ConfigChanges {
	return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function asTable(value: TomlValue | undefined): TomlTable {
	return isTable(value) ? (value as TomlTable) : {};
}
