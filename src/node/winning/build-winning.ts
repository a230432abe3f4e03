/** Puts winning PoSt together on a node whose config has a [winning] section: what it asks for, and what it answers. */
import { join } from 'node:path';
import { shortEpochMs } from '../../core/epoch-clock.ts';
import { holdersOf } from '../../core/holdings.ts';
import { connectedPeers } from '../../core/liveness.ts';
import { membersWith } from '../../core/members.ts';
import type { State } from '../../core/state.ts';
import { Bitfield } from '../../domain/bitfield.ts';
import type { ActorId, NodeId } from '../../domain/ids.ts';
import { makeFolder } from '../files.ts';
import type { LocalSectors } from '../gather/work-gather.ts';
import type { Context } from '../node-context.ts';
import { servedMiners } from '../served-miners.ts';
import { EpochBudget } from './epoch-budget.ts';
import type { WindowPause } from './window-pause.ts';
import { WinningProver } from './winning-prover.ts';
import { WinningRequests } from './winning-requests.ts';
import { WinningServer } from './winning-server.ts';

export interface Winning {
	readonly requests: WinningRequests;
	readonly serve: (fatal: (error: unknown) => void) => void;
}

export interface WinningParts {
	/** Undefined without the storage role. */
	readonly local: LocalSectors | undefined;
	readonly pause: WindowPause;
}

/** Undefined without [winning]. */
export async function buildWinning(context: Context, { local, pause }: WinningParts): Promise<Winning | undefined> {
	const { options, outside, stack, state, keeper, enqueue } = context;
	const { config, home } = options;
	const { workers, winningTypes, net, proofTimes, clock, log, metrics } = outside;
	if (config.winning === undefined || winningTypes === undefined || workers.checker === undefined) return undefined;
	const self = home.identity.id;
	const folder = join(config.spool.path ?? home.paths.spool, 'winning');
	await makeFolder(folder);
	const { miners, perEpoch } = config.winning;
	const budget = (): EpochBudget => new EpochBudget(clock, perEpoch, () => shortEpochMs(state.clock));
	const prover =
		workers.winning === undefined || winningTypes.provable.length === 0
			? undefined
			: new WinningProver(
					{ slot: workers.winning, checker: workers.checker, sample: workers.sample, pause, proofTimes, clock, log },
					{ proofTypes: winningTypes.provable, folder, enqueue },
				);
	if (prover !== undefined) stack.defer(() => prover.stop());
	const worksFor = (id: NodeId, miner: ActorId): boolean =>
		servedMiners(keeper.current.roster, id).some((served) => served.miner === miner);
	const server = new WinningServer({
		local,
		prover,
		budget: budget(),
		serves: (peer, miner) =>
			worksFor(peer, miner) && worksFor(self, miner) && (miners === undefined || miners.includes(miner)),
		metrics,
	});
	const requests = new WinningRequests({
		self,
		streams: net.streams,
		checker: workers.checker,
		verifier: workers.verifier,
		local,
		prover,
		budget: budget(),
		proofTypes: winningTypes.verifiable,
		holders: ({ miner, sector }) => {
			const known = holdersOf(state, miner, Bitfield.of([sector.number]));
			// Whoever has not told yet what it holds is asked last.
			return reachable(state, [...new Set([...known, ...membersWith(state, 'storage', miner)])]);
		},
		provers: (miner) => reachable(state, membersWith(state, 'prover', miner)),
		folder,
		clock,
		log,
		metrics,
	});
	const serve = (fatal: (error: unknown) => void): void => {
		if (local !== undefined || prover !== undefined) server.serveOn(net.streams);
		prover?.start(fatal);
	};
	return { requests, serve };
}

/** This node first, then the connected ones. */
function reachable(state: State, ids: readonly NodeId[]): readonly NodeId[] {
	const connected = connectedPeers(state);
	const { self } = state.config;
	return [...ids.filter((id) => id === self), ...ids.filter((id) => id !== self && connected.includes(id))];
}
