/** Tells of a sender whose messages the chain would refuse, for as long as that is so. */
import { minerAddress } from '../codec/address.ts';
import type { ChainView } from './api.ts';
import { alarm, clearAlarm } from './outbox.ts';
import type { State } from './state.ts';

export function heedSender(state: State, { miner, sender: { address, fault = null } }: ChainView): void {
	const subject = minerAddress(miner);
	const raised = state.alarms.get(`sender-refused/${subject}`)?.alarm;
	if (raised?.facts['reason'] === fault?.reason) return;
	clearAlarm(state, 'sender-refused', subject);
	if (fault !== null) alarm(state, 'sender-refused', subject, { sender: address, ...fault });
}
