/** SUB: a signed chain message, shared before it is pushed so that any member can push it again. */
import type { CidText, WorkId } from './ids.ts';
import type { MinerCall, SignedMessage } from './message.ts';

/** What travels: the work item that is answered and the canonical bytes of the signed message. */
export interface Submission {
	readonly work: WorkId;
	readonly bytes: Uint8Array;
	/** Read from `bytes`, never from the wire beside them. */
	readonly cid: CidText;
	readonly signed: SignedMessage;
	readonly call: MinerCall;
}
