/** How the base fee follows the fullness of tipsets. Source: Lotus `chain/store/basefee.go`. */
import { type AttoFil, attoFil } from '../../domain/ids.ts';

/** Lowest base fee of the protocol, attoFIL per gas. */
export const MINIMUM_BASE_FEE = attoFil(100n);
export const BLOCK_GAS_LIMIT = 10_000_000_000;
const BLOCK_GAS_TARGET = BigInt(BLOCK_GAS_LIMIT / 2);
/** The fee changes by an eighth at most. */
const MAX_CHANGE_DENOMINATOR = 8n;

/** `gasLimits` = sum of the gas limits of the tipset's messages, one block. */
export function nextBaseFee(baseFee: bigint, gasLimits: number): AttoFil {
	// A block is packed to four fifths on average, so the sum is scaled up before it is compared.
	const excess = (BigInt(gasLimits) * 5n) / 4n - BLOCK_GAS_TARGET;
	const capped = excess > BLOCK_GAS_TARGET ? BLOCK_GAS_TARGET : excess;
	const next = baseFee + floorDivide(floorDivide(baseFee * capped, BLOCK_GAS_TARGET), MAX_CHANGE_DENOMINATOR);
	return next < MINIMUM_BASE_FEE ? MINIMUM_BASE_FEE : attoFil(next);
}

/** Towards minus infinity, as Go's big.Int divides; BigInt truncates. */
function floorDivide(dividend: bigint, divisor: bigint): bigint {
	const remainder = ((dividend % divisor) + divisor) % divisor;
	return (dividend - remainder) / divisor;
}
