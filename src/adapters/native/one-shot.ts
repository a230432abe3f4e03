/** Runs a one-shot command of the native worker (docs/native-protocol.md 6): every line of its answer is one JSON object. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { PosterError } from '../../domain/errors.ts';

/** Rejects `native-command` with the reason and the advice that the worker gave, or the signal's reason. */
export async function runNative(
	native: string,
	args: readonly string[],
	onLine: (line: Readonly<Record<string, unknown>>) => void = () => undefined,
	signal?: AbortSignal,
): Promise<void> {
	signal?.throwIfAborted();
	const child = spawn(native, args, { stdio: ['ignore', 'pipe', 'pipe'] });
	const end = (): void => void child.kill('SIGKILL');
	signal?.addEventListener('abort', end, { once: true });
	let failure: { reason?: unknown; advice?: unknown } | undefined;
	createInterface({ input: child.stdout }).on('line', (raw) => {
		const line = JSON.parse(raw) as Record<string, unknown>;
		if (line['error'] === undefined) onLine(line);
		else failure = line['error'] as { reason?: unknown; advice?: unknown };
	});
	const { promise: ended, resolve: exited, reject } = Promise.withResolvers<number | null>();
	child.once('error', reject);
	child.once('close', exited);
	const [code, complaint] = await Promise.all([ended, text(child.stderr)]).finally(() =>
		signal?.removeEventListener('abort', end),
	);
	signal?.throwIfAborted();
	if (code === 0) return;
	const reason = failure?.reason ?? complaint.trim();
	throw new PosterError('native-command', `poster-native ${args[0]} failed (exit ${code}): ${String(reason)}`, {
		...(typeof failure?.advice === 'string' && { advice: failure.advice }),
	});
}
