/** Times as people read them: spans to two units (`1h05m`, `12m30s`, `4.2s`, `380ms`), and epochs. */
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export function duration(ms: number): string {
	if (ms < 0) return `-${duration(-ms)}`;
	if (ms < SECOND) return `${Math.round(ms)}ms`;
	if (ms < 10 * SECOND) return `${(Math.floor(ms / 100) / 10).toFixed(1)}s`;
	if (ms < MINUTE) return `${Math.floor(ms / SECOND)}s`;
	if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m${two((ms % MINUTE) / SECOND)}s`;
	return `${Math.floor(ms / HOUR)}h${two((ms % HOUR) / MINUTE)}m`;
}

/** The core tells -1 until a full node or another node told it the epoch. */
export function epochText(epoch: number): string {
	return epoch < 0 ? 'epoch unknown' : `epoch ${epoch}`;
}

function two(value: number): string {
	return String(Math.floor(value)).padStart(2, '0');
}
