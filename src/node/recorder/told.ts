/** Decisions and alarms of the core in the words of people: names of machines, miners and partitions. */
import type { Decision } from '../../core/api.ts';
import { nameOf } from '../../core/members.ts';
import type { Said } from '../../core/recording.ts';
import type { State } from '../../core/state.ts';
import type { WorkId } from '../../domain/ids.ts';

export interface Told {
	/** Name of the decision; `alarm` for an alarm, whose code is the reason. */
	readonly decision: string;
	readonly reason: string;
	readonly work: WorkId | null;
	/** Miner, deadline and partition of the work, while the node knows it. */
	readonly item: string | null;
	/** Name of the other node that it is about. */
	readonly peer: string | null;
	readonly facts: Readonly<Record<string, string | number>>;
}

export function told(state: State, said: Said): Told {
	if (!isDecision(said)) {
		const { code, subject, facts } = said;
		return { decision: 'alarm', reason: code, work: null, item: null, peer: null, facts: { subject, ...facts } };
	}
	const { name, reason, work, peer, facts } = said;
	return {
		decision: name,
		reason,
		work: work ?? null,
		item: work === undefined ? null : itemText(state, work),
		peer: peer === undefined ? null : nameOf(state, peer),
		facts: facts ?? {},
	};
}

function isDecision(said: Said): said is Decision {
	return 'name' in said;
}

function itemText(state: State, work: WorkId): string | null {
	const item = state.works.get(work)?.item;
	if (item === undefined) return null;
	return `f0${item.miner} ${item.deadline}/${item.partition}${item.kind === 'dry' ? ' dry' : ''}`;
}
