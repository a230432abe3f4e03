/** Writes the tables of docs/config.md anew from the schema. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configTable } from '../src/node/config-text.ts';

const MARK = '<!-- options -->\n';
const page = join(import.meta.dirname, '../docs/config.md');
const text = readFileSync(page, 'utf8');
writeFileSync(page, `${text.slice(0, text.indexOf(MARK) + MARK.length)}\n${configTable()}`);
