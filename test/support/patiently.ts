/** For rules about what comes before a time is up: a machine that had no time for it gets ten times as much. */
import assert from 'node:assert/strict';

/** Runs it with more and more time until it resolves to true: it came to the point that the rule is about. */
export async function patiently(what: string, run: (ms: number) => Promise<boolean>): Promise<void> {
	for (const ms of [100, 1_000, 10_000]) if (await run(ms)) return;
	assert.fail(`not even in 10 s: ${what}`);
}
