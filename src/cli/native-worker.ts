/** The native worker of commands that run without a node: found, or built while the terminal shows how far it is. */
import { prepareNative } from './demo/preparation.ts';
import { progressText } from './demo/progress-text.ts';
import { openLine } from './progress-line.ts';

export async function nativeWorker(signal?: AbortSignal): Promise<string> {
	const line = openLine(process.stderr);
	try {
		return await prepareNative(
			(progress) => line.show('native worker', progressText(progress), progress.share ?? 0),
			signal,
		);
	} finally {
		line.done();
	}
}
