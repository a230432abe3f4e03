/**
 * Which pending messages the next tipset takes: of each sender in order of nonce without a gap, as long as the fee cap
 * covers the base fee and the balance the cost; the highest premium first, up to the block's gas limit.
 */
import { assert } from '../../domain/errors.ts';
import { resolve } from '../actor/apply.ts';
import type { World } from '../actor/state.ts';
import { BLOCK_GAS_LIMIT } from '../chain/base-fee.ts';
import type { Pooled } from '../chain/chain.ts';
import { cost } from './pool.ts';

export function selectMessages(pending: readonly Pooled[], world: World, baseFee: bigint): readonly Pooled[] {
	const queues = [...Map.groupBy(pending, ({ signed }) => resolve(world, signed.message.from)?.key).entries()]
		.filter(([key]) => key !== undefined)
		.map(([, messages]) => includable(messages, world, baseFee))
		.filter((queue) => queue.length > 0);
	const selected: Pooled[] = [];
	let gas = 0;
	while (queues.length > 0) {
		queues.sort((a, b) => byPremium(a[0] as Pooled, b[0] as Pooled));
		const best = queues[0] as Pooled[];
		const next = best.shift();
		assert(next !== undefined, 'a queue holds messages');
		gas += next.signed.message.gasLimit;
		if (gas > BLOCK_GAS_LIMIT) break;
		selected.push(next);
		if (best.length === 0) queues.shift();
	}
	return selected;
}

function includable(messages: readonly Pooled[], world: World, baseFee: bigint): Pooled[] {
	const account = resolve(world, messages[0]?.signed.message.from ?? '');
	assert(account !== undefined, 'the sender was resolved before');
	const queue: Pooled[] = [];
	let left = account.balance;
	for (const pooled of messages.toSorted((a, b) => a.signed.message.nonce - b.signed.message.nonce)) {
		const { message } = pooled.signed;
		left -= cost(message);
		if (message.nonce !== account.nonce + queue.length || message.gasFeeCap < baseFee || left < 0n) break;
		queue.push(pooled);
	}
	return queue;
}

function byPremium(a: Pooled, b: Pooled): number {
	const difference = b.signed.message.gasPremium - a.signed.message.gasPremium;
	if (difference !== 0n) return difference > 0n ? 1 : -1;
	return a.cid < b.cid ? -1 : 1;
}
