/** Every error that a person may meet says what to do, and every source file that makes one is looked at. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const SOURCES = join(import.meta.dirname, '../../../src');

/**
 * Told between parts of the program, which act on the code: a person sees them as a reason in a log line or a counter,
 * or wrapped in an error that has advice.
 */
const INTERNAL: readonly RegExp[] = [
	// Bytes and texts of others that are refused; whoever asked for them says where they came from.
	/^bad-/,
	// Of the mesh: a peer's fault, or one of ours that hangs up. The other side's health is seen in `status`.
	/^(stream|mesh|gather|sync)-/,
	/^(vanilla-forged|check-.*|manifest-missing|no-storage|params-source-.*)$/,
	// Begun and given up by this node, or the answer of a slot to its own loop.
	/^(native-stopped|node-stopped|prover-.*|spool-missing|demo-interrupted|demo-prove)$/,
	// The recorder pauses by itself and says so.
	/^recorder-/,
	// The full node's own words are the message.
	/^(chain-rpc|chain-no-websocket)$/,
];

/** Single places whose error is always wrapped, or never leaves a command that is ending. */
const WRAPPED: readonly string[] = [
	'adapters/identity/ed25519.ts key-bad',
	'adapters/chain/lotus-chain.ts chain-unreachable',
	'node/gather/spool-folder.ts spool-io',
	'cli/demo/cluster-node.ts demo-cluster',
	'cli/demo/cluster.ts demo-cluster',
	'cli/demo/control-experiment.ts demo-cluster',
	'cli/demo/processes.ts demo-process',
];

interface Made {
	readonly code: string;
	readonly body: string;
}

test('every error that a person may meet says what to do', () => {
	const mute: string[] = [];
	let seen = 0;
	for (const file of globSync('**/*.ts', { cwd: SOURCES })) {
		for (const { code, body } of errorsOf(readFileSync(join(SOURCES, file), 'utf8'))) {
			seen++;
			const place = `${file} ${code}`;
			if (/\badvice\b/.test(body) || INTERNAL.some((known) => known.test(code)) || WRAPPED.includes(place)) continue;
			mute.push(place);
		}
	}
	assert.ok(seen > 100, `only ${seen} errors were found`);
	assert.deepEqual(mute, [], 'these lack `advice`');
});

/** A code that is not spelled out in place is that of a helper, which takes the advice as well. */
function* errorsOf(source: string): Generator<Made> {
	for (const match of source.matchAll(/new PosterError\(\s*'([^']+)'/g)) {
		yield { code: match[1] as string, body: arguments_(source, match.index + 'new PosterError'.length) };
	}
}

/** From the opening parenthesis to the one that closes it. */
function arguments_(source: string, open: number): string {
	let depth = 0;
	for (let at = open; at < source.length; at++) {
		if (source[at] === '(') depth++;
		if (source[at] === ')') depth--;
		if (depth === 0) return source.slice(open, at);
	}
	throw new Error('unbalanced parentheses');
}
