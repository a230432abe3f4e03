/** What each slot of this node takes, from the config and from the keys and parameters that are here. */
import type { SlotFilter } from '../core/api.ts';
import { PosterError } from '../domain/errors.ts';
import type { ActorId } from '../domain/ids.ts';
import { circuitName } from '../domain/parameters.ts';
import type { PoStProofType } from '../domain/proof.ts';
import type { Config } from './config.ts';
import { externalSlotNames } from './external-provers.ts';
import { slotName } from './workers.ts';

export interface ProvableTypes {
	/** Window types whose parameters are here. */
	readonly own: readonly PoStProofType[];
	/** Window types whose verifying key is here and accepted: without it nothing that others prove can be checked. */
	readonly verifiable: readonly PoStProofType[];
}

export interface SlotPlan {
	readonly slotFilters: readonly SlotFilter[];
	/** Everything that some slot proves, ascending. */
	readonly proofTypes: readonly PoStProofType[];
}

interface Takes {
	readonly proofTypes?: readonly PoStProofType[] | undefined;
	readonly miners?: readonly ActorId[] | undefined;
}

/** Throws `prover-no-key` for a slot that is to prove what this node cannot check, or has no parameters for. */
export function planSlots({ prover }: Pick<Config, 'prover'>, { own, verifiable }: ProvableTypes): SlotPlan {
	const filters: SlotFilter[] = [];
	const add = (
		slots: readonly string[],
		entry: Takes,
		possible: readonly PoStProofType[],
		readsOwnStorage: boolean,
	): void => {
		for (const type of entry.proofTypes ?? []) if (!possible.includes(type)) throw impossible(slots, type);
		const proofTypes = entry.proofTypes ?? possible;
		for (const slot of slots) filters.push({ slot, proofTypes, miners: entry.miners ?? null, readsOwnStorage });
	};
	for (const [index, entry] of (prover?.slots ?? []).entries()) add([slotName(entry, index)], entry, own, false);
	for (const [index, entry] of (prover?.external ?? []).entries()) {
		add(externalSlotNames(entry, index), entry, verifiable, entry.protocol === 'damocles');
	}
	const proofTypes = [...new Set(filters.flatMap((filter) => filter.proofTypes ?? []))].sort((a, b) => a - b);
	return { slotFilters: filters.filter((filter) => says(filter, proofTypes)), proofTypes };
}

/** A slot that takes everything needs no filter. */
function says({ proofTypes, miners, readsOwnStorage }: SlotFilter, all: readonly PoStProofType[]): boolean {
	return miners !== null || readsOwnStorage || (proofTypes?.length ?? all.length) < all.length;
}

/** Whether a slot may be measured with a made-up sector of this type: one that reads real sectors may not. */
export function takesSamples(filters: readonly SlotFilter[], slot: string, proofType: PoStProofType): boolean {
	const filter = filters.find((known) => known.slot === slot);
	if (filter === undefined) return true;
	return !filter.readsOwnStorage && (filter.proofTypes?.includes(proofType) ?? true);
}

function impossible([slot = '']: readonly string[], type: PoStProofType): PosterError {
	return new PosterError(
		'prover-no-key',
		`the slot ${slot} is to prove ${circuitName(type)}, whose files are not here`,
		{
			advice:
				'An own slot needs parameters and verifying key in the folder of [proofs], a prover of others the key, which its proofs are checked with: see `poster-node params fetch`.',
			meta: { slot, proofType: type },
		},
	);
}
