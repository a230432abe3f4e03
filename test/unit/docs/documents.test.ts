/** What the documents name is there: files, headings, scripts, commands and their options. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { Command } from 'commander';
import { program } from '../../../src/cli/program.ts';

const repository = join(import.meta.dirname, '../../..');
const pages = globSync('{*,docs/**/*,bootstrap/*,native/*}.md', { cwd: repository });
const withCommands = [...pages, ...globSync('bootstrap/*', { cwd: repository })];
const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
/** Blocks and spans of code. */
const codeOf = (text: string): readonly string[] => text.match(/^```[\s\S]*?^```|^ {4}\S.*$|`[^`\n]+`/gm) ?? [];

/** As GitHub names the anchor of a heading. */
const anchorOf = (heading: string): string =>
	heading
		.trim()
		.toLowerCase()
		.replace(/[^\p{L}\p{N} _-]/gu, '')
		.replaceAll(' ', '-');

function headingsOf(path: string): readonly string[] {
	return [...read(path).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading ?? ''));
}

test('links lead to files and headings that are there', () => {
	const broken: string[] = [];
	for (const page of pages) {
		for (const [, target = ''] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
			if (/^https?:/.test(target)) continue;
			const [file = '', anchor] = target.split('#');
			const path = file === '' ? page : join(dirname(page), file);
			const found = existsSync(join(repository, path)) && (anchor === undefined || headingsOf(path).includes(anchor));
			if (!found) broken.push(`${page}: ${target}`);
		}
	}
	assert.deepEqual(broken, []);
});

test('files of the repository that are named exist', () => {
	const missing: string[] = [];
	for (const page of pages) {
		for (const [code] of read(page).matchAll(/`[^`\n]+`/g)) {
			for (const [, path = ''] of code.matchAll(
				/(?<![\w./-])((?:src|test|scripts|docs|bootstrap|native|\.ci)\/[\w./*{},-]*[\w*}])/g,
			)) {
				const isThere = globSync(path, { cwd: repository }).length > 0;
				if (!isThere && !existsSync(join(repository, dirname(page), path))) missing.push(`${page}: ${path}`);
			}
		}
	}
	assert.deepEqual(missing, []);
});

test('npm scripts that are named exist', () => {
	const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Record<string, string> };
	const missing: string[] = [];
	for (const page of withCommands) {
		for (const [, name = ''] of read(page).matchAll(/npm (?:run )?((?<=run )[\w:.-]+|test\b)/g)) {
			if (!(name in scripts)) missing.push(`${page}: ${name}`);
		}
	}
	assert.deepEqual(missing, []);
	for (const [name, script] of Object.entries(scripts)) {
		for (const [, path = ''] of script.matchAll(/\bnode (?:--\S+ )*([\w./-]+\.ts)/g)) {
			assert.ok(existsSync(join(repository, path)), `${name}: ${path}`);
		}
		for (const [, other = ''] of script.matchAll(/npm run ([\w:-]+)/g))
			assert.ok(other in scripts, `${name}: ${other}`);
	}
});

test('options of npm scripts that are named exist', () => {
	const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Record<string, string> };
	const wrong: string[] = [];
	for (const page of withCommands) {
		for (const [, name = '', words = ''] of read(page).matchAll(/npm run ([\w:-]+) -- ([^`\n#]*)/g)) {
			const script = scripts[name] ?? '';
			const command = /^node src\/cli\/main\.ts ?(.*)$/.exec(script)?.[1];
			const options = words.match(/(?<![\w-])--[a-z][\w-]*/g) ?? [];
			if (command !== undefined) {
				const why = complaint(program(), `${command} ${words}`.trim().split(/\s+/));
				if (why !== undefined) wrong.push(`${page}: npm run ${name}: ${why}`);
				continue;
			}
			const folder = dirname(/\bnode (?:--\S+ )*([\w./-]+\.ts)/.exec(script)?.[1] ?? '');
			const sources = globSync(`${folder}/*.ts`, { cwd: repository }).map(read).join('\n');
			for (const option of options) {
				if (!new RegExp(`['"]?${option.slice(2)}['"]?: \\{ type:|'${option}'`).test(sources))
					wrong.push(`${page}: npm run ${name} ${option}`);
			}
		}
	}
	assert.deepEqual(wrong, []);
});

test('commands that are named exist, with every option and argument that is given', () => {
	const wrong: string[] = [];
	for (const page of withCommands) {
		const text = read(page);
		const pieces = page.endsWith('.md') ? codeOf(text) : [text];
		for (const [, words = ''] of pieces.flatMap((code) => [
			...code.matchAll(/(?<![\w/.-])poster-node (?:poster-node )?([a-z][^`\n#|;]*)/g),
		])) {
			const why = complaint(
				program(),
				words
					.replace(/[[\](),]/g, ' ')
					.trim()
					.split(/\s+/),
			);
			if (why !== undefined) wrong.push(`${page}: poster-node ${words}: ${why}`);
		}
	}
	assert.deepEqual(wrong, []);
});

function complaint(root: Command, words: readonly string[]): string | undefined {
	let command = root;
	let at = 0;
	for (; at < words.length; at++) {
		const next = command.commands.find((one) => one.name() === words[at]);
		if (next === undefined) break;
		command = next;
	}
	if (command === root) return `no command ${words[0]}`;
	const needed = command.registeredArguments.filter(({ required }) => required).length;
	const given = words.slice(at).findIndex((word) => word.startsWith('-'));
	const args = given === -1 ? words.length - at : given;
	if (at < words.length && args > command.registeredArguments.length) return `${command.name()} takes no ${words[at]}`;
	if (words.length > at && given !== 0 && args < needed) return `${command.name()} needs an argument`;
	const known = [...command.options, ...root.options].flatMap(({ long }) => long ?? []);
	return words.slice(at).find((word) => word.startsWith('--') && word.length > 2 && !known.includes(word));
}
