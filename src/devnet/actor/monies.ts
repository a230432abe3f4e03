/** Fees of a miner: what is owed is taken from its balance as far as that goes. Source: builtin-actors `state.rs`. */
import { ensure, exitCode } from './abort.ts';
import type { Miner } from './state.ts';

export interface Paid {
	readonly miner: Miner;
	readonly burnt: bigint;
}

/** Adds a fee and pays as much of the debt as the balance allows. */
export function applyPenalty(miner: Miner, fee: bigint): Paid {
	const debt = miner.feeDebt + fee;
	const burnt = lesser(debt, miner.balance);
	return { miner: { ...miner, balance: miner.balance - burnt, feeDebt: debt - burnt }, burnt };
}

export function repayDebtsOrAbort(miner: Miner): Paid {
	ensure(
		miner.balance >= miner.feeDebt,
		exitCode.actorInsufficientFunds,
		`unlocked balance can not repay fee debt (${miner.balance} < ${miner.feeDebt})`,
	);
	return applyPenalty(miner, 0n);
}

export function lesser(a: bigint, b: bigint): bigint {
	if (a < b) return a;
	return b;
}
