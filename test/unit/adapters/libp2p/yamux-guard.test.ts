import assert from 'node:assert/strict';
import { test } from 'node:test';
import { multiaddrConnectionPair } from '@libp2p/utils';
import { Conduct } from '../../../../src/adapters/libp2p/conduct.ts';
import { Membership } from '../../../../src/adapters/libp2p/membership.ts';
import { PeerQuotas } from '../../../../src/adapters/libp2p/peer-quotas.ts';
import { YamuxGuard } from '../../../../src/adapters/libp2p/yamux-guard.ts';
import { limits } from '../../../../src/domain/limits.ts';
import { memoryMetrics } from '../../../support/memory-metrics.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { systemClock } from '../../../support/system-clock.ts';
import { until } from '../../../support/until.ts';

test('all streams of a call are kept that a member opens before the other side has finished the handshake', async () => {
	const metrics = memoryMetrics();
	const membership = new Membership(systemClock, metrics);
	const quotas = new PeerQuotas(systemClock, membership);
	const conduct = new Conduct({ membership, quotas, metrics, log: silentLog }, () => assert.fail('dropped'));
	const muxers = new YamuxGuard(metrics, conduct).muxer();
	const [outbound, inbound] = multiaddrConnectionPair();
	const asking = muxers.createStreamMuxer(outbound);
	const busy = muxers.createStreamMuxer(inbound);
	for (let i = 0; i < limits.outgoingCallsPerPeer; i++) await asking.createStream();
	await until('all have come', () => busy.streams.length === limits.outgoingCallsPerPeer);

	let served = 0;
	busy.addEventListener('stream', () => {
		served += 1;
	});
	await until('all are served', () => served === limits.outgoingCallsPerPeer);
	assert.ok(asking.streams.every(({ status }) => status === 'open'));
	outbound.abort(new Error('over'));
});
