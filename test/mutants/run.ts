/**
 * `npm run sim:mutants [NAME …]`: does the suite notice when a rule is broken? Each patch beside this file breaks one,
 * on a copy of src and test; the commands that its header names are run in order until one fails, and a patch that none
 * of them notices, or that does not apply any more, is a failure here. All of them must pass on the unbroken copy.
 *
 * Header of a patch, before the diff (made with `git diff -U1`):
 *     Breaks: the rule in a sentence
 *     Catch: story NAME | unit FILE [TEST NAME …] | sim ARGUMENT …      one or more lines, cheapest first
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const HERE = fileURLToPath(new URL('.', import.meta.url));
/** Far above what a story takes on a busy machine. A command that hangs has caught nothing. */
const COMMAND_MS = 180_000;

interface Mutant {
	readonly name: string;
	readonly path: string;
	readonly breaks: string;
	readonly catchers: readonly string[];
}

interface Run {
	readonly failed: boolean;
	/** What made it fail, in a line. */
	readonly why: string;
	/** The command could not judge: it hung, found no such test, or the patched source is no program. */
	readonly useless: boolean;
}

function readMutant(path: string): Mutant {
	const text = readFileSync(path, 'utf8');
	const header = text.slice(0, text.indexOf('diff --git'));
	const values = (key: string): readonly string[] =>
		[...header.matchAll(new RegExp(`^${key}: (.+)$`, 'gm'))].map(([, value]) => value as string);
	const [breaks] = values('Breaks');
	const catchers = values('Catch');
	if (breaks === undefined || catchers.length === 0) throw new Error(`${path} has no header`);
	return { name: basename(path, '.patch'), path, breaks, catchers };
}

function argumentsOf(catcher: string): readonly string[] {
	const [kind = '', first = '', ...rest] = catcher.split(' ');
	const named = (name: string): string => `--test-name-pattern=${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`;
	if (kind === 'story') return [named(`${first}.story:`), 'test/stories/stories.test.ts'];
	if (kind === 'unit') return [...(rest.length === 0 ? [] : [named(rest.join(' '))]), first];
	if (kind === 'sim') return ['test/sim/main.ts', first, ...rest];
	throw new Error(`no catcher is called ${kind}`);
}

function run(folder: string, catcher: string): Run {
	const { status, stdout, stderr, error } = spawnSync(process.execPath, argumentsOf(catcher), {
		cwd: folder,
		encoding: 'utf8',
		timeout: COMMAND_MS,
		maxBuffer: 1 << 28,
		env: { ...process.env, NODE_TEST_CONTEXT: '' },
	});
	const told = `${stdout}${stderr}`;
	if (error !== undefined) return { failed: false, why: String(error), useless: true };
	const isProgram = !/SyntaxError|ReferenceError|ERR_MODULE_NOT_FOUND/.test(told);
	const nothingRan = /^(?:ℹ|#) (?:pass 0|tests 0)$/m.test(told) && status === 0;
	const line = /^\s*(?:error: |Error: |AssertionError[^:]*: |line \d+: )(.*)$/m.exec(told)?.[0].trim() ?? '';
	const why = isProgram ? line.slice(0, 100) : told.slice(0, 2_000);
	return { failed: status !== 0, why, useless: !isProgram || nothingRan };
}

function patch(folder: string, mutant: Mutant, back: boolean): string | null {
	const args = ['apply', '-C1', ...(back ? ['-R'] : []), mutant.path];
	const { status, stderr } = spawnSync('git', args, { cwd: folder, encoding: 'utf8' });
	return status === 0 ? null : stderr.trim();
}

/** Null when it was caught as it should be. */
function judge(folder: string, mutant: Mutant): string | null {
	const since = performance.now();
	const refusal = patch(folder, mutant, false);
	if (refusal !== null) return `${mutant.path} does not apply any more, make it anew: ${refusal}`;
	let fault: string | null = 'nothing noticed it';
	for (const catcher of mutant.catchers) {
		const { failed, why, useless } = run(folder, catcher);
		if (useless) fault = `"${catcher}" cannot judge it: ${why}`;
		if (useless || !failed) continue;
		const seconds = ((performance.now() - since) / 1_000).toFixed(1);
		console.log(`caught  ${mutant.name.padEnd(34)} ${seconds.padStart(5)} s  ${catcher}: ${why}`);
		fault = null;
		break;
	}
	const stuck = patch(folder, mutant, true);
	if (stuck !== null) throw new Error(`the copy cannot be mended: ${stuck}`);
	return fault;
}

function main(names: readonly string[]): void {
	const mutants = readdirSync(HERE)
		.filter((file) => file.endsWith('.patch'))
		.map((file) => readMutant(join(HERE, file)))
		.filter(({ name }) => names.length === 0 || names.includes(name));
	const folder = mkdtempSync(join(tmpdir(), 'poster-mutants-'));
	try {
		for (const part of ['src', 'test']) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
		cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
		symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
		const failures: string[] = [];
		for (const catcher of new Set(mutants.flatMap(({ catchers }) => catchers))) {
			const { failed, useless, why } = run(folder, catcher);
			if (failed || useless) failures.push(`"${catcher}" fails on the unbroken sources: ${why}`);
		}
		for (const mutant of failures.length > 0 ? [] : mutants) {
			const fault = judge(folder, mutant);
			if (fault === null) continue;
			failures.push(`${mutant.name}: ${fault}`);
			console.log(`MISSED  ${mutant.name.padEnd(34)} ${mutant.breaks}`);
		}
		for (const failure of failures) console.error(failure);
		console.log(`${mutants.length} seeded bugs, ${failures.length} failures`);
		if (failures.length > 0 || mutants.length === 0) process.exitCode = 1;
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

main(process.argv.slice(2));
