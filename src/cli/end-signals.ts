/**
 * When a command that runs on is told to end: by a signal, or by the end of the program that started it with an IPC
 * channel (`fork`, or `spawn` with `stdio: 'ipc'` of Node). The kernel closes the channel also when that program is
 * killed, so that no supervisor leaves anything behind.
 */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Runs until `run` is over or told to end; what it rejects because it was told is no failure. */
export async function untilEnd(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
	const ending = new AbortController();
	onEnd(() => ending.abort());
	try {
		await run(ending.signal);
	} catch (error) {
		if (!ending.signal.aborted || error !== ending.signal.reason) throw error;
	}
}

/** Calls `end` at the first of them; at once when the channel has closed by now. */
export function onEnd(end: () => void): void {
	for (const signal of SIGNALS) process.once(signal, end);
	process.once('disconnect', end);
	// The listener would keep this process running for as long as its supervisor lives.
	process.channel?.unref();
	if (process.send !== undefined && !process.connected) end();
}
