import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cidText } from '../../../src/domain/ids.ts';
import { type EffectParts, Effects } from '../../../src/node/effects.ts';

test('an effect that cannot be started ends the node, at once or later, and never escapes', async () => {
	const fatal: unknown[] = [];
	const search = { type: 'search', cid: cidText('m'), work: {} as never } as const;
	const broken = new TypeError('a bug');
	const submitter = { search: () => Promise.reject(broken) };
	// A role that this node does not have fails at once, a bug in a part later.
	for (const part of [undefined, submitter]) {
		const parts = { submitter: part, fatal: (error: unknown) => fatal.push(error) };
		new Effects(parts as unknown as EffectParts).run(search);
	}
	await new Promise((resolve) => setImmediate(resolve));
	assert.equal(fatal.length, 2);
	assert.match(String(fatal[0]), /an effect for a role that this node does not have/);
	assert.equal(fatal[1], broken);
});
