/** A log that nobody reads. */
import type { Log } from '../../src/ports/log.ts';

const ignore = (): void => undefined;

export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore, child: () => silentLog };
