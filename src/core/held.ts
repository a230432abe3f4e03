/**
 * Messages that this node signed in an earlier life. A crash between the signature and the first word of it leaves one
 * that nobody else has, and the others may have signed another for its partition since, at another nonce: pushed then,
 * both would land and one be paid for in vain. So it is neither told nor pushed before the others were heard.
 */
import { limits } from '../domain/limits.ts';
import type { ChainView } from './api.ts';
import { isSynced } from './members.ts';
import { isLive, isUnjudged, type Message } from './message.ts';
import { bury, settle } from './messages.ts';
import { isElsewhere, messagesOf, type Sender } from './nonces.ts';
import { decide } from './outbox.ts';
import type { State } from './state.ts';

/** Lets those count that others know, or that neither the chain nor another message made needless; the rest stays here. */
export function judgeHeld(state: State, view: ChainView, sender: Sender): void {
	const known = messagesOf(state, sender.address);
	const held = known.filter((message) => message.held && message.dead === null);
	if (held.length === 0) return;
	const others = known.filter((message) => !message.held && message.dead === null);
	for (const message of held) {
		const work = state.works.get(message.submission.work);
		if (work === undefined) continue;
		if (!isElsewhere(state, message) && view.sender.nonce <= message.nonce) {
			const rivals = others.filter((other) => isRival(other, message));
			if (work.posted || rivals.some(isLive)) {
				bury(state, message, 'superseded');
				decide(state, 'displaced', 'superseded', { work: work.item.id, facts: { nonce: message.nonce } });
				continue;
			}
			const hurried = view.epoch >= work.item.close - limits.lastEpochs;
			if (!hurried && (!isSynced(state) || rivals.some(isUnjudged))) continue;
			// Like one that was signed just now: the next nonce waits until it is known elsewhere.
			sender.lastSigned = { cid: message.submission.cid, epoch: view.epoch };
		}
		message.held = false;
		settle(state, message.submission.cid, message);
	}
}

function isRival(other: Message, { submission, nonce }: Message): boolean {
	return other.submission.work === submission.work || other.nonce === nonce;
}
