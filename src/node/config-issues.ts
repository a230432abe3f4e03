/** Turns the complaints of the config schema into sentences that name the option, what it holds and the likely typo. */
import { z } from 'zod';
import { configSchema } from './config-schema.ts';

type Issue = z.core.$ZodIssue;

export function explainIssues(issues: readonly Issue[]): string[] {
	return issues.flatMap(explain);
}

function explain(issue: Issue): string[] {
	if (issue.code !== 'unrecognized_keys') return [`${optionName(issue.path)}: ${complaint(issue)}`];
	const known = knownKeys(issue.path);
	return issue.keys.map((key) => {
		const near = nearest(key, known);
		const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean "${near}"?`;
		return `${optionName(issue.path)}: unknown ${issue.path.length === 0 ? 'option or section' : 'option'} "${key}"; ${hint}`;
	});
}

function complaint(issue: Issue): string {
	if (issue.code === 'invalid_type') {
		const kind = issue.expected === 'int' ? 'whole number' : issue.expected;
		return issue.input === undefined ? `is missing (${kind})` : `must be of type ${kind}${found(issue)}`;
	}
	if (issue.code === 'too_small') return `needs at least ${issue.minimum}${counted(issue.origin)}${found(issue)}`;
	if (issue.code === 'too_big') return `takes at most ${issue.maximum}${counted(issue.origin)}${found(issue)}`;
	return `${issue.message}${found(issue)}`;
}

function counted(origin: string): string {
	return origin === 'array' ? ' entries' : '';
}

function found(issue: Issue): string {
	if (issue.input === undefined || typeof issue.input === 'object') return '';
	return `, but it is ${JSON.stringify(issue.input)}`;
}

/** `[network] listen`, `[submitter] miners 0 wallet`; the top of the file has no section. */
function optionName(path: readonly PropertyKey[]): string {
	const [head, ...rest] = path.map(String);
	if (head === undefined) return 'top of the file';
	const isSection = unwrap(configSchema.shape[head as keyof typeof configSchema.shape]) instanceof z.ZodObject;
	return isSection ? [`[${head}]`, ...rest].join(' ') : [head, ...rest].join(' ');
}

function knownKeys(path: readonly PropertyKey[]): string[] {
	let schema: unknown = configSchema;
	for (const key of path) {
		const inner = unwrap(schema);
		if (inner instanceof z.ZodArray) schema = inner.element;
		else if (inner instanceof z.ZodObject) schema = inner.shape[String(key)];
	}
	const inner = unwrap(schema);
	return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** The schema inside defaults, optionals and transforms; of `count or list` the list. */
export function unwrap(schema: unknown): unknown {
	if (schema instanceof z.ZodUnion) return schema.options.find((option) => option instanceof z.ZodArray) ?? schema;
	if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
		return unwrap(schema.unwrap());
	}
	return schema instanceof z.ZodPipe ? unwrap(schema.in) : schema;
}

/** The closest of `known` if it is close enough to be a typo: a third of the letters may differ. */
export function nearest(text: string, known: readonly string[]): string | undefined {
	const ranked = known
		.map((item) => ({ item, distance: editDistance(text, item) }))
		.sort((a, b) => a.distance - b.distance);
	const best = ranked[0];
	return best !== undefined && best.distance <= Math.max(1, Math.floor(best.item.length / 3)) ? best.item : undefined;
}

/** Levenshtein distance in which two neighbours that changed places count once, three rows at a time. */
function editDistance(a: string, b: string): number {
	let above = Array.from({ length: b.length + 1 }, (_, j) => j);
	let twoAbove = above;
	for (let i = 1; i <= a.length; i++) {
		const row = [i];
		for (let j = 1; j <= b.length; j++) {
			const replace = (above[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
			const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
			const swap = swapped ? (twoAbove[j - 2] as number) + 1 : replace;
			row.push(Math.min(replace, swap, (above[j] as number) + 1, (row[j - 1] as number) + 1));
		}
		twoAbove = above;
		above = row;
	}
	return above[b.length] as number;
}
