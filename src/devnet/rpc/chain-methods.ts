/** Methods about the chain itself: heads, tipsets, blocks, randomness, the node. */
import { hexToBytes } from '@noble/hashes/utils.js';
import { writeBytes } from '../../codec/json-read.ts';
import type { Hex32 } from '../../domain/ids.ts';
import { beaconEntry, digestOf, draw } from '../chain/randomness.ts';
import { type TipSetNode, tipSetAt } from '../chain/tipset.ts';
import type { FullNode } from '../full-node.ts';
import { RpcError, rpcCode } from '../rpc-error.ts';
import { loadNamedTipSet, loadTipSet } from './load.ts';
import { type MethodTable, method } from './method.ts';
import { boolean, bytes, chainEpoch, cid, int64, tipSetKey } from './params.ts';
import { beaconToJson, blockToJson, namedMessageToJson, tipSetToJson } from './to-json.ts';

/** Lotus v1.36.2: what a client may make of the version, it makes of the API version. */
const VERSION = 'v1.36.2-dev+devnet';
export const API_VERSION = { v0: 66_816, v1: 131_840 } as const;
const NETWORK_VERSION = 28;

export function chainMethods(node: FullNode): MethodTable {
	const { chain } = node;
	return {
		ChainHead: method('read', [], () => tipSetToJson(chain.head)),
		ChainNotify: method('read', [], (_, { openChannel }) => {
			if (openChannel !== undefined) return openChannel();
			throw new RpcError(
				"method 'Filecoin.ChainNotify' not supported in this mode (no out channel support)",
				rpcCode.methodNotFound,
			);
		}),
		ChainGetGenesis: method('read', [], () => tipSetToJson(chain.genesis)),
		ChainGetTipSet: method('read', [tipSetKey], ([key]) => tipSetToJson(loadTipSet(node, key, ''))),
		ChainGetBlock: method('read', [cid], ([block]) => blockToJson(loadTipSet(node, [block], '').header)),
		ChainGetTipSetByHeight: method('read', [chainEpoch, tipSetKey], ([height, key]) =>
			tipSetToJson(atHeight(loadTipSet(node, key), height, 'before')),
		),
		ChainGetTipSetAfterHeight: method('read', [chainEpoch, tipSetKey], ([height, key]) =>
			tipSetToJson(atHeight(loadTipSet(node, key), height, 'after')),
		),
		ChainGetMessage: method('read', [cid], ([wanted]) => {
			const known = node.pool.known(wanted);
			if (known === undefined) throw new RpcError(`ipld: could not find ${wanted}`);
			return namedMessageToJson(known.message);
		}),
		StateGetBeaconEntry: method('read', [chainEpoch], ([epoch]) => beaconToJson(beaconEntry(chain.seed, epoch))),
		StateGetRandomnessFromBeacon: method(
			'read',
			[int64, chainEpoch, bytes, tipSetKey],
			([tag, epoch, entropy, key]) => {
				const digest = beaconDigest(node, loadTipSet(node, key), epoch, 'getting beacon randomness');
				return base64(draw(tag, digest, epoch, entropy));
			},
		),
		StateGetRandomnessDigestFromBeacon: method('read', [chainEpoch, tipSetKey], ([epoch, key]) =>
			// Lotus says "tickets" here too.
			base64(beaconDigest(node, loadTipSet(node, key), epoch, 'failed to get randomness digest from tickets')),
		),
		StateGetRandomnessFromTickets: method(
			'read',
			[int64, chainEpoch, bytes, tipSetKey],
			([tag, epoch, entropy, key]) => {
				const at = loadNamedTipSet(node, key, 'loading tipset key');
				return base64(draw(tag, ticketDigest(node, at, epoch, 'getting chain randomness'), epoch, entropy));
			},
		),
		StateGetRandomnessDigestFromTickets: method('read', [chainEpoch, tipSetKey], ([epoch, key]) =>
			base64(ticketDigest(node, loadTipSet(node, key), epoch, 'failed to get randomness digest from tickets')),
		),
	};
}

/** About the node itself; the older path has these alone. */
export function nodeMethods(node: FullNode, apiVersion: number): MethodTable {
	const { networkName, epochMs } = node.options;
	return {
		Version: method('read', [], () => ({
			Version: VERSION,
			APIVersion: apiVersion,
			BlockDelay: Math.ceil(epochMs / 1000),
			Agent: 'poster-node-devnet',
		})),
		StateNetworkName: method('read', [], () => networkName),
		StateNetworkVersion: method('read', [tipSetKey], ([key]) => {
			loadTipSet(node, key);
			return NETWORK_VERSION;
		}),
		SyncState: method('read', [], () => ({ ActiveSyncs: [], VMApplied: node.chain.head.height })),
		NodeStatus: method('read', [boolean], () => ({
			SyncStatus: { Epoch: node.chain.head.height, Behind: 0 },
			PeerStatus: { PeersToPublishMsgs: 0, PeersToPublishBlocks: 0 },
			ChainStatus: { BlocksPerTipsetLast100: 0, BlocksPerTipsetLastFinality: 0 },
		})),
	};
}

function atHeight(from: TipSetNode, height: number, nullRound: 'after' | 'before'): TipSetNode {
	if (height > from.height) {
		throw new RpcError(`looking for tipset with height greater than start point, req: ${height}, head: ${from.height}`);
	}
	return remembered(tipSetAt(from, height, nullRound), height);
}

/** Tipsets far behind the head are forgotten, which a real node without archive does too. */
function remembered(found: TipSetNode, height: number): TipSetNode {
	if (found.parent === undefined && found.header.parentWeight > 0n && height < found.height) {
		throw new RpcError(`tipset at height ${height} is no longer held: ipld: could not find its block`);
	}
	return found;
}

function beaconDigest(node: FullNode, at: TipSetNode, epoch: number, prefix: string): Hex32 {
	if (epoch > at.height) throw new RpcError(`${prefix}: cannot draw randomness from the future`);
	return digestOf(beaconEntry(node.chain.seed, epoch).data);
}

function ticketDigest(node: FullNode, at: TipSetNode, epoch: number, prefix: string): Hex32 {
	if (epoch > at.height) throw new RpcError(`${prefix}: cannot draw randomness from the future`);
	remembered(tipSetAt(at, epoch, 'after'), epoch);
	return digestOf(node.chain.ticket(at, epoch));
}

function base64(hex: Hex32): string {
	return writeBytes(hexToBytes(hex));
}
