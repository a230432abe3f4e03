/** The commented config file and the table of the documentation, both made from the schema so that they cannot drift. */
import { z } from 'zod';
import { unwrap } from './config-issues.ts';
import { configSchema, type OptionDoc, optionDocs, sectionDocs } from './config-schema.ts';

/** Values to write instead of comments, by section ('' for the top) and key. */
export type ConfigValues = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface Option {
	readonly key: string;
	readonly doc: OptionDoc;
	/** TOML of the default, `none` or `required` where there is no default. */
	readonly fallback: string;
}

interface Section {
	/** Empty for the options at the top. */
	readonly name: string;
	readonly what: string;
	readonly isOptional: boolean;
	readonly options: readonly Option[];
}

/** A config.toml in which every option that `values` does not set stands as a comment with its default or an example. */
export function commentedConfig(values: ConfigValues): string {
	const parts = sections().map((section) => {
		const set = values[section.name] ?? {};
		const isActive = !section.isOptional || values[section.name] !== undefined;
		const head = section.name === '' ? [] : [`# ${section.what}`, `${isActive ? '' : '# '}[${section.name}]`];
		return [...head, ...section.options.flatMap((option) => optionLines(option, set[option.key]))].join('\n');
	});
	return `${['# Options of poster-node. A role is taken when its section is there; see docs/config.md.', ...parts].join('\n\n')}\n`;
}

/** Markdown of all options. */
export function configTable(): string {
	return sections()
		.map((section) => {
			const title = section.name === '' ? '## Top of the file' : `## \`[${section.name}]\`\n\n${section.what}`;
			const rows = section.options.map(
				({ key, doc, fallback }) => `| \`${key}\` | ${doc.what} | ${doc.unit} | \`${fallback}\` | ${doc.trade} |`,
			);
			return `${title}\n\n| option | what | unit | default | trade-off |\n|---|---|---|---|---|\n${rows.join('\n')}\n`;
		})
		.join('\n');
}

function optionLines(option: Option, value: unknown): string[] {
	const { doc, key, fallback } = option;
	const line = `${key} = ${value === undefined ? (doc.example ?? fallback) : toml(value)}`;
	return [`# ${doc.what} Unit: ${doc.unit}.`, `#   ${doc.trade}`, value === undefined ? `# ${line}` : line];
}

function sections(): Section[] {
	const top: Option[] = [];
	const named: Section[] = [];
	for (const [name, schema] of Object.entries(configSchema.shape)) {
		const inner = unwrap(schema);
		const isSection = inner instanceof z.ZodObject;
		if (!isSection) top.push(optionOf(name, schema));
		else named.push(sectionOf(name, schema, inner));
	}
	return [{ name: '', what: '', isOptional: false, options: top }, ...named];
}

function sectionOf(name: string, schema: z.ZodType, inner: z.ZodObject): Section {
	const what = registered(inner, sectionDocs).what;
	const options = Object.entries(inner.shape).map(([key, option]) => optionOf(key, option as z.ZodType));
	return { name, what, isOptional: schema instanceof z.ZodOptional, options };
}

function optionOf(key: string, schema: z.ZodType): Option {
	const fallback = schema instanceof z.ZodOptional ? 'none' : defaultOf(schema);
	return { key, doc: registered(schema, optionDocs), fallback };
}

function registered<Doc extends object>(schema: z.ZodType, registry: z.core.$ZodRegistry<Doc>): Doc {
	const doc = registry.get(schema);
	if (doc === undefined) throw new Error('an option of the config has no documentation');
	return doc as Doc;
}

function defaultOf(schema: z.ZodType): string {
	if (schema instanceof z.ZodPipe) return defaultOf(schema.in as z.ZodType);
	return schema instanceof z.ZodDefault ? toml(schema.def.defaultValue) : 'required';
}

/** A value on one line, as TOML writes it inline: JSON's texts and numbers are TOML's. */
function toml(value: unknown): string {
	if (Array.isArray(value)) return `[${value.map(toml).join(', ')}]`;
	if (typeof value !== 'object' || value === null) return JSON.stringify(value);
	const pairs = Object.entries(value).map(([key, item]) => `${key} = ${toml(item)}`);
	return `{ ${pairs.join(', ')} }`;
}
