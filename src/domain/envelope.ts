/** What every gossiped statement has around it: who said it, in which life, in which order, at which epoch. */
import type { Announcement, Tombstone } from './announcement.ts';
import type { Epoch, NodeId } from './ids.ts';
import type { NodeRecord } from './record.ts';
import type { Holdings, Refusal, Result } from './result.ts';
import type { Submission } from './submission.ts';

export const BODY_KINDS = ['ann', 'rec', 'res', 'sub', 'tomb', 'ref', 'hold'] as const;
export type BodyKind = (typeof BODY_KINDS)[number];

export type EnvelopeBody =
	| { readonly kind: 'ann'; readonly body: Announcement }
	| { readonly kind: 'rec'; readonly body: NodeRecord }
	| { readonly kind: 'res'; readonly body: Result }
	| { readonly kind: 'sub'; readonly body: Submission }
	| { readonly kind: 'tomb'; readonly body: Tombstone }
	| { readonly kind: 'ref'; readonly body: Refusal }
	| { readonly kind: 'hold'; readonly body: Holdings };

export interface EnvelopeHead {
	readonly network: string;
	readonly from: NodeId;
	/** u32, one higher at each start of the node. */
	readonly incarnation: number;
	/** u53, strictly rising within an incarnation. */
	readonly sequence: number;
	/** Epoch the sender believed in, -1 for none. */
	readonly epoch: Epoch;
}

export type Envelope = EnvelopeHead & EnvelopeBody;

/**
 * A statement with the bytes that prove it. `raw` is null for this node's own: signing is deterministic, so whoever
 * sends it seals it anew and gets the same bytes.
 */
export interface Statement<E extends Envelope = Envelope> {
	readonly envelope: E;
	readonly raw: Uint8Array | null;
}
