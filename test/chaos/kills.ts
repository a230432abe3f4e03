/**
 * `npm run chaos:kills -- [--kills N] [--seed S]`: as the integration test does it, for longer. Prints what it did as one
 * JSON object; a promise that does not hold ends it with the kill that broke it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { killRun } from '../support/kill-run.ts';

const { values } = parseArgs({
	options: { kills: { type: 'string', default: '400' }, seed: { type: 'string', default: '1' } },
});
const folder = await mkdtemp(join(tmpdir(), 'poster-kills-'));
console.log(
	JSON.stringify({ seed: Number(values.seed), ...(await killRun(folder, Number(values.kills), Number(values.seed))) }),
);
// Kept when a promise was broken.
await rm(folder, { recursive: true });
