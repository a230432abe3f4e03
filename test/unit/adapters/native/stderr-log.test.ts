import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { test } from 'node:test';
import { logStderr } from '../../../../src/adapters/native/stderr-log.ts';
import { memoryLog } from '../../../support/memory-log.ts';
import { systemClock } from '../../../support/system-clock.ts';

test('what the worker warns of is a warning, also where only warnings are logged', async () => {
	const log = memoryLog();
	const stderr = Readable.from(['WARN vanilla: /x is no folder\nplain\nERR', 'OR a\nWARNING b\n']);
	logStderr(stderr, log, systemClock);
	await finished(stderr);
	assert.deepEqual(
		log.entries.map(({ level, facts }) => [level, (facts as { readonly line: string }).line]),
		[
			['warn', 'WARN vanilla: /x is no folder'],
			['info', 'plain'],
			['warn', 'ERROR a'],
			['info', 'WARNING b'],
		],
	);
});
