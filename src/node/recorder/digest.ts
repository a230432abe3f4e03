/** The running digest of what a core decided: equal after a step only if it was equal after every step before it. */
import { hash } from 'node:crypto';
import type { Step } from '../../core/api.ts';
import { Packer } from '../../core/packer.ts';
import { packStep } from '../../core/recording.ts';

/** Of the 32 bytes of the digest, those that a recording keeps for each step. */
const MARK_BYTES = 8;
const NOTHING = new Uint8Array();

export class RunningDigest {
	#value = '';
	readonly #packer = new Packer();

	/** Its first bytes after the step; none, and no change, when the step asked for nothing. */
	add(step: Step): Uint8Array {
		if (step.persist.length === 0 && step.after.length === 0) return NOTHING;
		const decided = hash('sha256', packStep(this.#packer, step));
		this.#value = hash('sha256', `${this.#value}${decided}`);
		return Uint8Array.from(Buffer.from(this.#value.slice(0, 2 * MARK_BYTES), 'hex'));
	}
}
