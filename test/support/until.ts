/** Waits for a condition, which is what tests do instead of sleeping. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 5;

/** No rule about time: a bound that only a fault reaches, also on a machine that is busy with other things. */
const PATIENCE_MS = 60_000;

/** Resolves when `holds` does, looking every `pollMs`; fails with `what` after `timeoutMs`. */
export async function until(
	what: string,
	holds: () => boolean | Promise<boolean>,
	timeoutMs = PATIENCE_MS,
	pollMs = POLL_MS,
): Promise<void> {
	const end = performance.now() + timeoutMs;
	while (!(await holds())) {
		assert.ok(performance.now() < end, `not within ${timeoutMs} ms: ${what}`);
		await sleep(pollMs);
	}
}
