/**
 * A signed message names its partition and not its item, which only its teller does: in error, or to hide the message
 * behind an item that its proof cannot answer. So of every member the last word is kept until the proof is found good,
 * and once it does not hold for one item, or that item's sector list is not to be had, it is judged for the next.
 */

import type { Message } from './message.ts';
import { mismatch, settle } from './messages.ts';
import { ignore } from './outbox.ts';
import type { State, StatementOf, Work } from './state.ts';
import { manifestOf } from './works.ts';

/** SUB with the bytes of a known message, for another item than it is taken for. */
export function hearRetold(state: State, message: Message, work: Work, statement: StatementOf<'sub'>): void {
	const { from, body } = statement.envelope;
	if (message.proofGood || message.refuted.has(body.work) || mismatch(state, work, body) !== null) {
		ignore(state, 'submission-known-otherwise');
		return;
	}
	message.retold.set(from, statement);
	state.dirty = true;
}

/** The proof does not hold for the item that the message is taken for. */
export function isRefuted({ refuted, submission }: Message): boolean {
	return refuted.has(submission.work);
}

/** The message as it is to be judged now: for another item where that can be done, and not for this one. */
export function turnToRetold(state: State, message: Message): Message {
	if (message.proofGood || message.retold.size === 0) return message;
	const current = state.works.get(message.submission.work);
	if (!isRefuted(message) && current !== undefined && manifestOf(state, current) !== null) return message;
	for (const [author, statement] of message.retold) {
		const { body } = statement.envelope;
		const work = state.works.get(body.work);
		if (work === undefined || message.refuted.has(body.work)) message.retold.delete(author);
		else if (manifestOf(state, work) !== null) {
			message.retold.delete(author);
			const { statement: before } = message;
			if (before !== null) message.retold.set(before.envelope.from, before);
			const proofGood = work.results.best?.hash === message.hash;
			const turned = { ...message, submission: body, statement, proofGood, checkingProof: false, dead: null };
			state.messages.set(body.cid, turned);
			settle(state, body.cid, turned);
			return turned;
		}
	}
	return message;
}
