/** Keys of a terminal, one at a time, while the demo runs. */

const CTRL_C = '\u0003';

/** Calls back for each key; the returned function gives the terminal back. Without a terminal nothing happens. */
export function listenToKeys(onKey: (key: string) => void, onInterrupt: () => void): () => void {
	const { stdin } = process;
	if (!stdin.isTTY) return () => undefined;
	const listener = (chunk: Buffer): void => {
		for (const key of chunk.toString('utf8')) {
			if (key === CTRL_C) onInterrupt();
			else onKey(key.toLowerCase());
		}
	};
	stdin.setRawMode(true);
	stdin.on('data', listener);
	stdin.resume();
	return () => {
		stdin.off('data', listener);
		stdin.setRawMode(false);
		stdin.pause();
	};
}
