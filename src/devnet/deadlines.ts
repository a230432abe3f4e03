/**
 * Which epochs a deadline has. Sources: go-state-types `dline/deadline.go`, builtin-actors `deadlines.rs` and
 * `deadline_info.rs`.
 */
import { blake2b } from '@noble/hashes/blake2.js';
import { addressBytes, minerAddress, parseAddress } from '../codec/address.ts';
import { encodeCbor } from '../codec/cbor.ts';
import type { DeadlineInfo } from '../domain/chain.ts';
import { type ActorId, deadlineIndex, type Epoch, epoch } from '../domain/ids.ts';
import { int64 } from './chain/randomness.ts';
import { type Policy, provingPeriod } from './policy.ts';

/** The deadline `index` of the period that starts at `periodStart`; one past the last index is the next period's first. */
export function deadlineInfo(policy: Policy, periodStart: number, index: number, currentEpoch: number): DeadlineInfo {
	const open = periodStart + index * policy.challengeWindow;
	return {
		currentEpoch: epoch(currentEpoch),
		periodStart: epoch(periodStart),
		index: deadlineIndex(index),
		open: epoch(open),
		close: epoch(open + policy.challengeWindow),
		challenge: epoch(open - policy.challengeLookback),
		faultCutoff: epoch(open - policy.faultDeclarationCutoff),
		periodDeadlines: policy.periodDeadlines,
		provingPeriod: provingPeriod(policy),
		challengeWindow: policy.challengeWindow,
		challengeLookback: policy.challengeLookback,
		faultDeclarationCutoff: policy.faultDeclarationCutoff,
	};
}

/** The same deadline of the first period in which it has not closed yet. */
export function nextNotElapsed(policy: Policy, info: DeadlineInfo): DeadlineInfo {
	if (info.currentEpoch < info.close) return info;
	const period = provingPeriod(policy);
	const periods = Math.floor((info.currentEpoch - info.close) / period) + 1;
	return deadlineInfo(policy, info.periodStart + periods * period, info.index, info.currentEpoch);
}

export function isOpen(info: DeadlineInfo): boolean {
	return info.currentEpoch >= info.open && info.currentEpoch < info.close;
}

/** The deadline that a declaration for `index` is about: the next one that has not closed. */
export function declarationDeadline(policy: Policy, periodStart: number, index: number, at: Epoch): DeadlineInfo {
	return nextNotElapsed(policy, deadlineInfo(policy, periodStart, index, at));
}

/** True while the proofs of the deadline's last close can be disputed. */
export function disputable(policy: Policy, periodStart: number, index: number, at: Epoch): boolean {
	if (periodStart > at) return false;
	const info = declarationDeadline(policy, periodStart, index, at);
	return !isOpen(info) && at < info.close - provingPeriod(policy) + policy.disputeWindow;
}

/** Offset of the miner's periods, as the chain assigns it: the first 8 bytes of blake2b-256(cbor(address) ‖ epoch). */
export function assignedPeriodOffset(policy: Policy, miner: ActorId, at: number): number {
	const address = encodeCbor(addressBytes(parseAddress(minerAddress(miner))));
	const digest = blake2b(Buffer.concat([address, int64(at)]), { dkLen: 32 });
	return Number(Buffer.from(digest).readBigUInt64BE() % BigInt(provingPeriod(policy)));
}

/** Start of the period with that offset in which epoch `at` lies; negative before the miner's first period. */
export function periodStartOf(policy: Policy, offset: number, at: number): number {
	const period = provingPeriod(policy);
	return at - ((((at - offset) % period) + period) % period);
}
