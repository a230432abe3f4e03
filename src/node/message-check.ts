/** Carries out `check-message`: every node that can verify judges the messages of others, with or without a full node. */

import { parseAddress } from '../codec/address.ts';
import { signingBytes } from '../codec/message.ts';
import type { EffectOf, Event } from '../core/api.ts';
import { isPosterError } from '../domain/errors.ts';
import type { Verifier } from '../ports/verifier.ts';

export async function checkMessage(
	verifier: Verifier,
	{ cid, signed }: EffectOf<'check-message'>,
	enqueue: (event: Event) => void,
): Promise<void> {
	const { message, signatureType, signature } = signed;
	try {
		const from = parseAddress(message.from);
		const bytes = signingBytes(message);
		const { ok } = await verifier.verifySignature(signatureType, from.payload, bytes, signature);
		enqueue({ type: 'message-checked', cid, verdict: ok ? 'good' : 'bad' });
	} catch (error) {
		if (!isPosterError(error)) throw error;
		const verdict = error.code === 'bad-address' ? 'bad' : 'unavailable';
		enqueue({ type: 'message-checked', cid, verdict });
	}
}
