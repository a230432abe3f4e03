#!/usr/bin/env node
/**
 * The program's entry. Compiled code is kept beside the dependencies, so that a process of the same version starts in half
 * the time; hence the import of all else comes after. Where the folder cannot be written, starts take as long as ever.
 */
import nodeModule from 'node:module';
import { join } from 'node:path';

const OLDEST_NODE = 24;
if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
	process.stderr.write(`error: poster-node needs Node ${OLDEST_NODE} or newer; this is ${process.version}\n`);
	process.exit((await import('./exit.ts')).EXIT.home);
}
nodeModule.enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/poster-node'));
const { run } = await import('./run.ts');
await run();
