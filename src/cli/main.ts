#!/usr/bin/env node
/**
 * The program's entry. Compiled code is kept beside the dependencies, so that a process of the same version starts in half
 * the time; hence the import of all else comes after. Where the folder cannot be written, starts take as long as ever.
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/poster-node'));
const { run } = await import('./run.ts');
await run();
