/**
 * Head changes for ever: subscribes again when a subscription ends, to the next full node when one is away, and asks
 * for the head at intervals where there is no WebSocket. Every beginning is marked by a `current`, after which the
 * reader must not rely on what it knew. How long an epoch takes is the node's own word, never the wall clock's.
 */
import type { HeadChange, TipSet } from '../../domain/chain.ts';
import { isPosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { mayFailOver } from './errors.ts';
import type { Failover } from './failover.ts';
import { subscribeHeads } from './head-subscription.ts';
import type { RpcEndpoint } from './rpc-endpoint.ts';

export interface HeadsComponents {
	readonly clock: Clock;
	readonly log: Log;
	readonly metrics: Metrics;
	readonly failover: Failover;
	readonly head: () => Promise<TipSet>;
	readonly blockDelaySeconds: () => Promise<number>;
}

/** Ends when the signal aborts and never rejects: a node that is away or refuses us is asked again for ever. */
export async function* followHeads(
	components: HeadsComponents,
	signal: AbortSignal,
): AsyncGenerator<readonly HeadChange[]> {
	const { clock, log, metrics, failover } = components;
	for (let failures = 0; !signal.aborted; ) {
		const endpoint = failover.current;
		const since = clock.now();
		try {
			await failover.admit(endpoint);
			yield* subscription(components, endpoint, signal);
			failures = 0;
		} catch (error) {
			if (signal.aborted) return;
			if (!isPosterError(error)) throw error;
			// A frame alone proves nothing: there are nodes that tell their head and hang up, again and again.
			if (clock.now() - since >= limits.headRetryMaxMs) failures = 0;
			metrics.count('poster_chain_head_subscriptions_lost_total', { reason: error.code });
			if (failures === 0) log.warn({ url: endpoint.url, error }, 'head changes are lost, subscribing again');
			if (mayFailOver(error)) failover.leave(endpoint);
			await pause(clock, Math.min(limits.headRetryMs * 2 ** failures, limits.headRetryMaxMs), signal);
			failures++;
		}
	}
}

async function* subscription(
	components: HeadsComponents,
	endpoint: RpcEndpoint,
	signal: AbortSignal,
): AsyncGenerator<readonly HeadChange[]> {
	const epochMs = (await components.blockDelaySeconds()) * 1000;
	const silenceMs = Math.max(limits.headSilenceMinMs, limits.headSilenceEpochs * epochMs);
	try {
		yield* subscribeHeads(components.clock, endpoint, { silenceMs }, signal);
	} catch (error) {
		// -32601: the method does not exist there, or not in this mode.
		const noSubscription =
			isPosterError(error, 'chain-no-websocket') || (isPosterError(error) && error.meta['rpcCode'] === -32601);
		if (!noSubscription) throw error;
		yield* pollHeads(components, Math.min(epochMs / 4, limits.headPollMaxMs), signal);
	}
}

/** Tries WebSocket again by ending after `limits.headPollPhaseMs`. */
async function* pollHeads(
	{ clock, head }: HeadsComponents,
	intervalMs: number,
	signal: AbortSignal,
): AsyncGenerator<readonly HeadChange[]> {
	const end = clock.now() + limits.headPollPhaseMs;
	let last: TipSet | undefined;
	while (!signal.aborted && clock.now() < end) {
		const tipSet = await head();
		// What happened between two heads that do not follow each other is not known: the reader starts anew.
		if (last === undefined || !sameKey(last.key, tipSet.key)) {
			const follows = last !== undefined && sameKey(last.key, tipSet.parents);
			yield [{ type: follows ? 'apply' : 'current', tipSet }];
			last = tipSet;
		}
		await pause(clock, Math.max(intervalMs, limits.headPollMinMs), signal);
	}
}

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
	try {
		await clock.sleep(ms, signal);
	} catch (error) {
		if (!signal.aborted) throw error;
	}
}

function sameKey(a: readonly string[], b: readonly string[]): boolean {
	return a.length === b.length && a.every((cid, i) => cid === b[i]);
}
