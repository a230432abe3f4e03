/** Waits for a condition, which is what tests do instead of sleeping. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 5;

/** Resolves when `holds` does; fails with `what` after `timeoutMs`. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
	const end = performance.now() + timeoutMs;
	while (!(await holds())) {
		assert.ok(performance.now() < end, `not within ${timeoutMs} ms: ${what}`);
		await sleep(POLL_MS);
	}
}
