/**
 * The rules of the chain that are numbers. The defaults are those of every Filecoin network (builtin-actors
 * `runtime/src/runtime/policy.rs`); tests and demos may run with shorter periods, because nodes take every constant of
 * the period from the API.
 */
import { PosterError } from '../domain/errors.ts';

export interface Policy {
	/** Deadlines of one proving period. */
	readonly periodDeadlines: number;
	/** Epochs in which one deadline is open. */
	readonly challengeWindow: number;
	/** Epochs before open at which the challenge is known. */
	readonly challengeLookback: number;
	/** Epochs before open from which on faults and recoveries of the deadline can no longer be declared. */
	readonly faultDeclarationCutoff: number;
	/** Epochs after close in which a recorded proof can be disputed. */
	readonly disputeWindow: number;
	/** Most partitions of one SubmitWindowedPoSt. */
	readonly postedPartitionsMax: number;
	/** Most sectors that the partitions of one SubmitWindowedPoSt may hold when they are full. */
	readonly addressedSectorsMax: number;
	/** Most declarations, and most partitions addressed, of one DeclareFaults or DeclareFaultsRecovered. */
	readonly declarationsMax: number;
	/** attoFIL that a sector is taken to earn in a day: fees are multiples of it (the real chain smooths the reward). */
	readonly dayRewardPerSector: bigint;
	/** attoFIL burnt for a lost dispute besides the sectors' fee. */
	readonly disputePenalty: bigint;
	/** attoFIL that the winner of a dispute gets. */
	readonly disputeReward: bigint;
}

const FIL = 10n ** 18n;

export const REAL_POLICY: Policy = {
	periodDeadlines: 48,
	challengeWindow: 60,
	challengeLookback: 20,
	faultDeclarationCutoff: 70,
	disputeWindow: 1800,
	postedPartitionsMax: 3,
	addressedSectorsMax: 25_000,
	declarationsMax: 3000,
	dayRewardPerSector: FIL / 10_000n,
	disputePenalty: 20n * FIL,
	disputeReward: 4n * FIL,
};

export function provingPeriod(policy: Policy): number {
	return policy.periodDeadlines * policy.challengeWindow;
}

/** Fee of one proving period for sectors that stay faulty: 3.51 days of reward (actors `monies.rs`). */
export function continuedFaultFee(policy: Policy, sectors: number): bigint {
	return (policy.dayRewardPerSector * 351n * BigInt(sectors)) / 100n;
}

/** Fee for sectors under a proof that lost its dispute: 5.51 days of reward and a fixed part (actors `monies.rs`). */
export function invalidPostFee(policy: Policy, sectors: number): bigint {
	return (policy.dayRewardPerSector * 551n * BigInt(sectors)) / 100n + policy.disputePenalty;
}

/** Throws `devnet-options`. */
export function checkPolicy(policy: Policy): void {
	const check = (holds: boolean, rule: string): void => {
		if (!holds) {
			throw new PosterError('devnet-options', `policy: ${rule}`, {
				advice: 'docs/devnet.md names the rules of a policy.',
			});
		}
	};
	for (const [name, value] of Object.entries(policy)) {
		check(typeof value === 'bigint' ? value >= 0n : Number.isSafeInteger(value) && value >= 0, `${name} is a count`);
	}
	const { periodDeadlines, challengeWindow, challengeLookback, faultDeclarationCutoff, disputeWindow } = policy;
	check(periodDeadlines >= 1 && challengeWindow >= 1, 'there are deadlines, and they are open for a while');
	check(challengeLookback < provingPeriod(policy), 'the challenge lies within a period of open');
	check(faultDeclarationCutoff >= challengeLookback, 'declarations end before the challenge');
	check(disputeWindow < provingPeriod(policy), 'a dispute ends before the deadline closes again');
}
