/** Writes the version of the core beside the compiled program, whose sources are not there to be counted any more. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CORE_VERSION_FILE, coreVersion } from '../src/node/recorder/core-version.ts';

writeFileSync(join(resolve(import.meta.dirname, '../dist'), CORE_VERSION_FILE), `${coreVersion()}\n`);
