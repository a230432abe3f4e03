/** Opens the control API of a running node: what it offers, in terms of the node's parts. */
import { randomInt } from 'node:crypto';
import { type LoopMonitor, monitorLoop } from '../adapters/observe/loop-delay.ts';
import type { ItemFilter } from '../core/api.ts';
import { storedResults, view } from '../core/poster.ts';
import { PosterError } from '../domain/errors.ts';
import { ComputeRuns } from './compute.ts';
import { startControl } from './control.ts';
import type { ControlSource, NodeFacts } from './control-api.ts';
import type { ChainParts, Context } from './node-context.ts';
import { pullParams } from './params-exchange.ts';
import type { SignedRoster } from './roster-file.ts';
import type { RosterKeeper } from './roster-keeper.ts';
import { openPosts, ViewMetrics } from './view-metrics.ts';
import type { Winning } from './winning/build-winning.ts';

export interface ControlParts {
	readonly winning: Winning | undefined;
	/** Begins the node's orderly end. */
	readonly stop: () => void;
}

/** Answers with its URL. */
export async function openControl(
	context: Context,
	chain: ChainParts | undefined,
	{ winning, stop }: ControlParts,
): Promise<string> {
	const { options, outside, stack, state, hub, times, keeper, enqueue, fatal } = context;
	const { clock, log, metrics, net } = outside;
	const monitor = monitorLoop(clock, metrics, log);
	stack.defer(() => monitor.stop());
	const now = (shows: ItemFilter) => view(state, clock.now(), shows);
	const runs = new ComputeRuns(
		{ streams: net.streams, clock, log },
		{
			view: now,
			results: () => storedResults(state),
			roster: () => keeper.current.roster,
			times,
			announce: chain?.announce,
			nonce: () => randomInt(1, 2 ** 32),
			enqueue,
			fatal,
		},
	);
	stack.defer(() => runs.stop());
	const startedWallMs = clock.wallMs();
	const seen = new ViewMetrics(metrics);
	const source: ControlSource = {
		view: now,
		facts: () => facts(context, chain, monitor, startedWallMs),
		roster: () => keeper.current,
		setRoster: (bytes) => setRoster(keeper, bytes),
		metrics: () => {
			seen.tell(now(openPosts), facts(context, chain, monitor, startedWallMs), keeper.current.roster.version);
			return metrics.text();
		},
		times: () => times.all(),
		debugMesh: () => ({ addresses: net.mesh.addresses(), peers: net.mesh.peers(), bans: net.mesh.bans() }),
		bans: () => net.mesh.bans(),
		pardon: (peer) => net.mesh.pardon(peer),
		compute: (request) => runs.start(request),
		computeState: (id) => runs.state(id),
		cancelCompute: (id) => runs.cancel(id),
		winningPost: async (challenge, signal) => {
			if (winning === undefined) throw winningOff();
			return winning.requests.prove(challenge, signal);
		},
		subscribe: (listener) => hub.subscribe(listener),
		params: (peer, name, offset, signal) => pullParams(net.streams, peer, name, offset, signal),
		stop,
	};
	const server = await startControl(
		source,
		{ address: options.config.control.address, file: options.home.paths.control },
		log,
	);
	stack.defer(() => server.close());
	return server.url;
}

function facts(
	{ options, outside, state, keeper, loop }: Context,
	chain: ChainParts | undefined,
	monitor: LoopMonitor,
	startedWallMs: number,
): NodeFacts {
	const { id } = options.home.identity;
	return {
		version: options.version,
		pid: process.pid,
		name: keeper.current.roster.peers.find((peer) => peer.id === id)?.name ?? id,
		roles: state.config.roles,
		addresses: outside.net.mesh.addresses(),
		startedWallMs,
		chain: chain?.follower.status ?? 'none',
		loopDelayP99Ms: monitor.current().p99Ms,
		proofTimes: outside.proofTimes.all(),
		storeStalledMs: loop.stalledMs(),
	};
}

async function setRoster(keeper: RosterKeeper, bytes: Uint8Array): Promise<SignedRoster> {
	const followed = await keeper.accept(bytes);
	if (Buffer.from(followed.bytes).equals(bytes)) return followed;
	throw new PosterError('roster-older', `this node follows version ${followed.roster.version} already`, {
		advice: 'Start from the newest version: `poster-node roster show`.',
		meta: { version: followed.roster.version },
	});
}

function winningOff(): PosterError {
	return new PosterError('winning-off', 'this node asks for no winning PoSt', {
		advice: 'Write a [winning] section into its config and start it again (docs/winning-post.md).',
	});
}
