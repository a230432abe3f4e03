import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

/** From the top down. Folders on one floor do not import each other. */
const FLOORS: readonly (readonly string[])[] = [
	['cli'],
	['node', 'devnet'],
	['adapters', 'compat'],
	['ports'],
	['core'],
	['codec'],
	['domain'],
];
const PURE_PACKAGES: Readonly<Record<string, readonly RegExp[]>> = {
	domain: [],
	codec: [/^@ipld\/dag-cbor$/, /^@noble\/hashes/, /^multiformats/],
	core: [/^@noble\/hashes/],
};
const src = resolve(import.meta.dirname, '../../../src');

function sources(dir: string): string[] {
	return readdirSync(dir, { recursive: true, encoding: 'utf8' })
		.filter((name) => name.endsWith('.ts'))
		.map((name) => join(dir, name));
}

function imports(file: string): string[] {
	const text = readFileSync(file, 'utf8');
	return [...text.matchAll(/(?:from\s+|import\s*\(\s*|^import\s+)'([^']+)'/gm)].map((match) => match[1] as string);
}

/** The folder that counts: adapters and compat are split by the outside thing they adapt. */
function unit(file: string): { floor: number; folder: string; name: string } {
	const parts = relative(src, file).split('/');
	const folder = parts[0] as string;
	const floor = FLOORS.findIndex((names) => names.includes(folder));
	const name = folder === 'adapters' || folder === 'compat' ? `${folder}/${parts[1]}` : folder;
	return { floor, folder, name };
}

/** What is wrong with one import of a file, or undefined. */
function violation(file: string, specifier: string): string | undefined {
	const from = unit(file);
	if (specifier.startsWith('.')) {
		const to = unit(resolve(dirname(file), specifier));
		if (to.floor < 0) return 'leaves src';
		if (to.floor < from.floor) return `imports upward from ${to.name}`;
		if (to.floor === from.floor && to.name !== from.name) return `imports sideways from ${to.name}`;
		return undefined;
	}
	const allowed = PURE_PACKAGES[from.folder];
	if (allowed !== undefined && !allowed.some((pattern) => pattern.test(specifier))) return 'is not pure';
	return undefined;
}

test('imports only go down, and the lower floors stay pure', () => {
	for (const file of sources(src)) {
		assert.ok(unit(file).floor >= 0, `${relative(src, file)} is on no floor`);
		for (const specifier of imports(file)) {
			assert.equal(violation(file, specifier), undefined, `${relative(src, file)}: '${specifier}'`);
		}
	}
});

test('the rule can fail: it sees upward, sideways and impure imports', () => {
	const core = join(src, 'core/claim.ts');
	assert.match(violation(core, '../ports/clock.ts') ?? '', /upward/);
	assert.match(violation(join(src, 'node/loop.ts'), '../devnet/main.ts') ?? '', /sideways/);
	assert.match(violation(join(src, 'adapters/level/store.ts'), '../chain/client.ts') ?? '', /sideways/);
	assert.match(violation(core, 'node:fs') ?? '', /pure/);
});

test('the pure floors hold no clock, no randomness, no promise, no float', () => {
	const banned =
		/\b(Date\.now|new Date|performance\.|Math\.random|setTimeout|setInterval|async |await |Promise\b|parseFloat|Math\.(log|exp|pow|sqrt))/;
	for (const folder of ['domain', 'codec', 'core']) {
		for (const file of sources(join(src, folder))) {
			const code = readFileSync(file, 'utf8')
				.replace(/\/\*[\s\S]*?\*\//g, '')
				.replace(/\/\/.*$/gm, '');
			assert.doesNotMatch(code, banned, relative(src, file));
		}
	}
});

test('no test switch under src: fakes are plugged in through config and ports', () => {
	for (const file of sources(src)) {
		assert.doesNotMatch(
			readFileSync(file, 'utf8'),
			/process\.env(\.|\[')(TEST|CI|NODE_ENV|NODE_TEST)/,
			relative(src, file),
		);
	}
});
