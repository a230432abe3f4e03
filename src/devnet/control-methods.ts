/** Control of the chain, for tests and the demo: namespace `Devnet`, with an admin token. */
import { limits } from '../domain/limits.ts';
import type { FullNode } from './full-node.ts';
import type { Gate } from './gate.ts';
import { type MethodTable, method } from './rpc/method.ts';
import { boolean, cid, optionalTokens, uint64 } from './rpc/params.ts';
import type { RpcServer } from './rpc/server.ts';
import { tipSetToJson } from './rpc/to-json.ts';
import { RpcError } from './rpc-error.ts';
import type { Ticker } from './ticker.ts';

export interface ChainParts {
	readonly node: FullNode;
	readonly ticker: Ticker;
	readonly gate: Gate;
	/** One for each full node. */
	readonly servers: readonly RpcServer[];
}

export function controlMethods({ node, ticker, gate, servers }: ChainParts): MethodTable {
	return {
		Pause: method('admin', [], () => ticker.pause()),
		Resume: method('admin', [], () => ticker.resume()),
		NullRounds: method('admin', [uint64], ([count]) => ticker.skip(bounded(count))),
		Mine: method('admin', [uint64, uint64], async ([count, nulls]) => {
			bounded(count + nulls);
			for (let i = 0; i < count; i++) await node.mine(nulls);
			return tipSetToJson(node.chain.head);
		}),
		Reorg: method('admin', [uint64, uint64], async ([depth, apply]) =>
			tipSetToJson(await node.reorg(bounded(depth), bounded(apply))),
		),
		SetBaseFee: method('admin', [optionalTokens], ([baseFee]) => node.chain.pinBaseFee(baseFee)),
		Freeze: method('admin', [boolean], ([frozen]) => (frozen ? gate.freeze() : gate.thaw())),
		KillFullNode: method('admin', [uint64], ([index]) => mortal(servers, index).close()),
		DropMessage: method('admin', [cid], ([message]) => node.pool.drop(message)),
		Stats: method('admin', [], () => node.statistics.report(node.chain.head)),
	};
}

/** The first full node lives: it is what control goes through. */
function mortal(servers: readonly RpcServer[], index: number): RpcServer {
	const server = servers[index];
	if (index === 0 || server === undefined) throw new RpcError(`no full node ${index} that can be killed`);
	return server;
}

function bounded(count: number): number {
	if (count > limits.devnetEpochsPerCall) {
		throw new RpcError(`${count} epochs are more than the ${limits.devnetEpochsPerCall} of one call`);
	}
	return count;
}
