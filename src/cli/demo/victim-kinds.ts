/** Kinds of victims of the demo: their keys, and the moment at which the death of one hurts most. */
import type { ControlEvent } from '../../node/control-api.ts';

export const VICTIM_KINDS = ['prover', 'submitter', 'storage', 'full-node'] as const;
export type VictimKind = (typeof VICTIM_KINDS)[number];

/** The phase in which a proof spends most of its time has begun. */
const DEADLY_PHASE = 'synthesis';

export interface Fate {
	readonly key: string;
	readonly label: string;
	/** The moment at which a death hurts most, in words and by an event of a node. */
	readonly when: string;
	readonly moment: (event: ControlEvent) => boolean;
}

export const FATES: Readonly<Record<VictimKind, Fate>> = {
	prover: {
		key: 'p',
		label: 'prover',
		when: 'when it begins to compute a proof',
		moment: ({ type, facts }) => type === 'progress' && facts['phase'] === DEADLY_PHASE && facts['state'] === 'start',
	},
	submitter: {
		key: 's',
		label: 'submitter',
		when: 'when it has signed its first message',
		moment: ({ type }) => type === 'sign',
	},
	storage: {
		key: 't',
		label: 'storage node',
		when: 'when the deadline is announced',
		moment: ({ type }) => type === 'announce',
	},
	'full-node': {
		key: 'f',
		label: 'full node',
		when: 'when it should send a first message',
		moment: ({ type }) => type === 'sign',
	},
};

export function victimOfKey(key: string): VictimKind | undefined {
	return VICTIM_KINDS.find((kind) => FATES[kind].key === key);
}
