/** What a node with a full node has more: it follows the chain, announces dry runs, and submits if it may sign. */
import { challengeKey } from '../../codec/work-id.ts';
import { type ActorId, attoFil } from '../../domain/ids.ts';
import type { Challenge } from '../../domain/work.ts';
import type { ChainParts, Context } from '../node-context.ts';
import { servedMiners } from '../served-miners.ts';
import { type DryRun, type DryRunRequest, makeDryRun } from './dry-run.ts';
import { DuePartitions } from './due-partitions.ts';
import { ChainFollower } from './follower.ts';
import { SenderCheck } from './sender-check.ts';
import { Submitter } from './submitter.ts';
import { ViewReader } from './view-reader.ts';

/** Undefined without a full node. Nothing is asked of it before the follower starts. */
export function buildChain({ options, outside, keeper, enqueue }: Context): ChainParts | undefined {
	const { chain, wallet, clock, log, metrics, book } = outside;
	if (chain === undefined) return undefined;
	const miners = () => servedMiners(keeper.current.roster, options.home.identity.id);
	const partitions = new DuePartitions(chain, book, (root, sectors) =>
		enqueue({ type: 'manifest-held', root, sectors }),
	);
	const { submitter: signs } = options.config;
	const maxFee = (id: ActorId) => (signs?.miners.some(({ miner }) => miner === id) ? signs.maxFeeFil : undefined);
	const follower = new ChainFollower(
		{ chain, clock, log, metrics },
		{
			views: new ViewReader(chain, partitions, new SenderCheck(chain, maxFee)),
			miners,
			readsPool: wallet !== undefined,
			enqueue,
		},
	);
	const submitter = new Submitter(
		{ chain, wallet, log },
		{
			sender: (id) => miners().find(({ miner }) => miner === id)?.sender,
			maxFee: signs?.maxFeeFil ?? attoFil(0n),
			enqueue,
		},
	);
	const announce = async (request: DryRunRequest): Promise<DryRun> => {
		const served = miners().map(({ miner }) => miner);
		const run = await makeDryRun(chain, partitions, served, request);
		if (run.due.length > 0) enqueue({ type: 'dry-run', ...run });
		return run;
	};
	const takeBack = (challenge: Challenge): void =>
		enqueue({ type: 'dry-run-cancel', key: challengeKey(keeper.current.roster.network, challenge) });
	return { follower, submitter, partitions, announce, takeBack };
}
