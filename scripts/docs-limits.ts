/** Writes docs/limits.md from the bounds and the comments that they stand under. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { limits } from '../src/domain/limits.ts';

const repository = join(import.meta.dirname, '..');
/** In the order of a reader: what is decided first, what only a test sees last. */
const SUBJECTS = ['core', 'protocol', 'network', 'proving', 'full-node', 'node', 'devnet'];
const HEAD = `# Limits

Every bound of the program with its reason. They are no options: what an operator may choose is in [config.md](config.md).
Made by \`npm run docs:limits\` from \`src/domain/limits/\`; change them there.
`;

interface Group {
	readonly names: string[];
	readonly reason: string;
}

/** The whole page. Throws on a constant that has no reason. */
export function limitsPage(): string {
	return [HEAD, ...SUBJECTS.map(subjectSection)].join('\n');
}

function subjectSection(subject: string): string {
	const text = readFileSync(join(repository, `src/domain/limits/${subject}.ts`), 'utf8');
	const [intro = '', ...blocks] = text.split(/^\t?(?=\/\/ )/m);
	const title = `## ${/\/\*\* (.*)\.? \*\//.exec(intro)?.[1]?.replace(/\.$/, '') ?? subject}\n`;
	const tables = [intro.slice(intro.indexOf('export const')), ...blocks].map((block) => {
		const heading = /^\/\/ (.*)\.$/m.exec(block)?.[1];
		const rows = groupsOf(block).map(row);
		if (rows.length === 0) return '';
		return `${heading === undefined ? '' : `### ${heading}\n\n`}| bound | value | why |\n|---|---|---|\n${rows.join('')}`;
	});
	return [title, ...tables.filter((table) => table !== '')].join('\n');
}

/** Constants under one comment share it. */
function groupsOf(block: string): Group[] {
	const groups: Group[] = [];
	let parent = '';
	for (const [, comment, opened, name, closed] of block.matchAll(
		/\/\*\*([\s\S]*?)\*\/|^\t(\w+): \{$|^\t+(?:(\w+|'[\w-]+'):) |^\t(\}),$/gm,
	)) {
		if (comment !== undefined) groups.push({ names: [], reason: comment.replace(/\s*\n\s*\* ?/g, ' ').trim() });
		if (closed !== undefined) parent = '';
		const path = opened ?? (name && `${parent}${name.replaceAll("'", '')}`);
		if (opened !== undefined) parent = `${opened}.`;
		if (path === undefined) continue;
		const group = groups.at(-1);
		if (group === undefined) throw new Error(`${path} has no reason`);
		group.names.push(path);
	}
	return groups;
}

function row({ names, reason }: Group): string {
	const values = names.map((name) => display(name, valueAt(name)));
	return `| ${names.map((name) => `\`${name}\``).join('<br>')} | ${values.join('<br>')} | ${reason.replaceAll('|', '\\|')} |\n`;
}

function valueAt(path: string): unknown {
	return path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], limits);
}

function display(name: string, value: unknown): string {
	if (typeof value === 'number') return quantity(name, value);
	if (Array.isArray(value)) return value.map((one) => display(name, one)).join(', ');
	if (typeof value !== 'object' || value === null || !('perSecond' in value && 'burst' in value)) return '';
	const { perSecond, burst } = value as { readonly perSecond: number; readonly burst: number };
	return `${quantity(name, perSecond)} per second, ${quantity(name, burst)} at once`;
}

function quantity(name: string, value: number): string {
	const inUnits = (units: readonly (readonly [size: number, unit: string])[]): string | undefined => {
		const unit = units.find(([size]) => value >= size && value % size === 0);
		return unit && `${(value / unit[0]).toLocaleString('en-US')} ${unit[1]}`;
	};
	const found = /bytes$/i.test(name)
		? inUnits([
				[1 << 20, 'MiB'],
				[1 << 10, 'KiB'],
				[1, 'B'],
			])
		: /Ms$/.test(name)
			? inUnits([
					[3_600_000, 'h'],
					[60_000, 'min'],
					[1_000, 's'],
					[1, 'ms'],
				])
			: undefined;
	return found ?? value.toLocaleString('en-US');
}

if (import.meta.main) writeFileSync(join(repository, 'docs/limits.md'), limitsPage());
