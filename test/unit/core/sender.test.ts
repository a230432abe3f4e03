import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Alarm, SenderFault } from '../../../src/core/api.ts';
import { view } from '../../../src/core/poster.ts';
import { attoFil, epoch } from '../../../src/domain/ids.ts';
import { CoreBench, MINER } from '../../support/core.ts';

const stranger: SenderFault = { reason: 'f1a is no address of the miner', advice: 'name another one' };
const poor: SenderFault = { reason: 'f1a has 0 FIL', advice: 'send funds' };

test('a sender whose messages the chain would refuse is an alarm for as long as that is so', () => {
	const bench = new CoreBench({ self: ['chain', 'submitter'] });
	const seen = (fault: SenderFault | null): readonly Alarm[] => {
		const sender = { address: 'f1a', nonce: 0, pool: [], fault };
		const at = { miner: MINER, epoch: epoch(165), challenges: [], baseFee: attoFil(100n) };
		bench.give({ type: 'chain-view', view: { ...at, sender } });
		return view(bench.state, bench.now).alarms;
	};
	const alarm = (fault: SenderFault): Alarm => ({
		code: 'sender-refused',
		subject: 'f01000',
		facts: { sender: 'f1a', ...fault },
	});
	assert.deepEqual(seen(null), []);
	assert.deepEqual(seen(stranger), [alarm(stranger)]);
	assert.deepEqual(seen(stranger), [alarm(stranger)]);
	assert.deepEqual(seen(poor), [alarm(poor)], 'another reason is told instead of the first');
	assert.deepEqual(seen(null), []);
});
