/**
 * Gas of the messages that matter here: one figure for each outcome, as recorded on a Lotus node, and the storage of
 * the message itself. The real chain meters every instruction.
 */
import type { Message } from '../../domain/message.ts';

/** What a message did, as far as its price goes. */
export type GasClass =
	| 'send'
	| 'refused'
	| 'post-recorded'
	| 'post-verified'
	| 'declare-faults'
	| 'declare-recovered'
	| 'dispute';

const GAS: Readonly<Record<GasClass, number>> = {
	send: 1_200_000,
	refused: 3_150_000,
	'post-recorded': 19_150_000,
	'post-verified': 143_600_000,
	'declare-faults': 28_600_000,
	'declare-recovered': 16_600_000,
	dispute: 155_700_000,
};
/** On-chain message storage (ref-fvm price list: 1,300 gas for each byte). */
const GAS_PER_BYTE = 1300;
const ENVELOPE_BYTES = 200;

export function gasOf(kind: GasClass, message: Message): number {
	return GAS[kind] + storageGas(message);
}

/** Least gas limit with which a message may be included at all. */
export function storageGas(message: Message): number {
	return GAS_PER_BYTE * (ENVELOPE_BYTES + message.params.length);
}
