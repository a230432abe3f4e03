/**
 * Our own prover was given up somewhere in this node: told for as long as it makes no good proof again, and what its
 * proofs took is forgotten, since the library in its place is slower and would be taken for hanging.
 */
import { circuitName } from '../domain/parameters.ts';
import type { EventOf } from './api.ts';
import { keys } from './keys.ts';
import { alarm, clearAlarm, del } from './outbox.ts';
import type { State } from './state.ts';

const ADVICE =
	'The library proves this size there now, more slowly. Look for bad memory or a bad disk on that machine, then run `poster-node bench prove --self-test` and start the node again; engine = "stock" in [proofs] ends its use.';

export function onOwnProver(state: State, { slot, proofType, failure }: EventOf<'own-prover'>): void {
	const subject = `${slot}, ${circuitName(proofType)}`;
	if (failure === null) {
		clearAlarm(state, 'own-prover', subject);
		return;
	}
	alarm(state, 'own-prover', subject, { reason: failure, advice: ADVICE });
	state.durations.delete(proofType);
	del(state, keys.durations(proofType));
	state.records.changed = true;
}
