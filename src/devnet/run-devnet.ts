/** The embedded chain as a process of its own: with the native verifier and the machine's clock, until it is told to end. */
import { NativeChild } from '../adapters/native/native-child.ts';
import { NativeVerifier } from '../adapters/native/verifier.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { type Devnet, type DevnetOptions, startDevnet } from './devnet.ts';

export interface RunDevnetOptions extends DevnetOptions {
	/** Executable `poster-native`. */
	readonly nativeBinary: string;
	/** Folder with the test verifying keys that decide disputes: the one that the provers' parameters lie in. */
	readonly testParameters: string;
	/** Folder of the native worker, emptied when it starts. */
	readonly scratch: string;
}

/** Ends when the signal aborts. `started` is called once, when the API answers. Rejects as `startDevnet` does. */
export async function runDevnet(
	options: RunDevnetOptions,
	ports: { readonly clock: Clock; readonly log: Log },
	started: (devnet: Devnet) => void,
	signal: AbortSignal,
): Promise<void> {
	const child = new NativeChild(ports, {
		command: [options.nativeBinary, 'verify', '--params', options.testParameters, '--test-params', '--threads', '1'],
		env: process.env,
		scratch: options.scratch,
		nice: 0,
	});
	const verifier = new NativeVerifier(child);
	try {
		// A folder without keys should end the program here, not at the first dispute.
		await child.start(signal);
		const devnet = await startDevnet(options, { ...ports, verifier });
		try {
			started(devnet);
			await aborted(signal);
		} finally {
			await devnet.close();
		}
	} finally {
		await verifier.close();
	}
}

function aborted(signal: AbortSignal): Promise<void> {
	const { promise, resolve } = Promise.withResolvers<void>();
	signal.addEventListener('abort', () => resolve(), { once: true });
	if (signal.aborted) resolve();
	return promise;
}
