/**
 * Notices a second process with this node's identity. They meet directly when one dials the other: libp2p refuses a
 * connection to the own id on both sides. A process that dials itself through another address of its machine meets
 * itself in both directions, a clone in one. They meet through others by the instance number that each process sends
 * with the exchange of addresses (`peer-exchange.ts`). Nobody's word counts there: whoever sees two processes has the
 * other one sign this one's number with the identity that both hold. This process never signs its own number, and it is
 * drawn anew at each start, so that nothing that an earlier process signed proves anything.
 */
import { randomBytes } from 'node:crypto';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { equalBytes } from '../../codec/cbor.ts';
import { PosterError } from '../../domain/errors.ts';
import type { NodeId } from '../../domain/ids.ts';
import type { Clock } from '../../ports/clock.ts';

/**
 * The two ends of a connection to oneself fail within a round trip of each other. The wait has two halves: a process
 * whose event loop stood still sees the first one end before it reads what came meanwhile.
 */
const HALF_SETTLE_MS = 1_000;
export const INSTANCE_BYTES = 16;
/** Ed25519. */
export const PROOF_BYTES = 64;
/** Ends with a zero byte, as the prefixes of all that identities sign. */
const PROOF_PREFIX = Buffer.from('poster-node/instance/1\0');

export class CloneWatch {
	/** This process among those with the same identity. */
	readonly instance: Uint8Array = randomBytes(INSTANCE_BYTES);
	readonly #key: Ed25519PrivateKey;
	readonly #clock: Clock;
	readonly #onCloned: (error: PosterError) => void;
	/** Handshakes with the own id that were dialled here, less those that were accepted here. */
	#unmatched = 0;
	#cancel: (() => void) | undefined;

	constructor(key: Ed25519PrivateKey, clock: Clock, onCloned: (error: PosterError) => void) {
		this.#key = key;
		this.#clock = clock;
		this.#onCloned = onCloned;
	}

	/** A handshake ended at the own id. */
	met(direction: 'inbound' | 'outbound'): void {
		this.#unmatched += direction === 'outbound' ? 1 : -1;
		if (this.#unmatched === 0) this.#settle();
		else
			this.#cancel ??= this.#clock.after(HALF_SETTLE_MS, () => {
				this.#cancel = this.#clock.after(HALF_SETTLE_MS, () => {
					this.#settle();
					this.#report({ seenBy: 'handshake' });
				});
			});
	}

	#settle(): void {
		this.#cancel?.();
		this.#cancel = undefined;
		this.#unmatched = 0;
	}

	/** Tells the process with that instance number that this one lives, too; undefined when it is this one. */
	async proveTo(instance: Uint8Array): Promise<Uint8Array | undefined> {
		return equalBytes(instance, this.instance) ? undefined : await this.#key.sign(proven(instance));
	}

	/** A peer has a proof that another process with this node's identity lives; false when it proves nothing. */
	async seenBy(peer: NodeId, proof: Uint8Array): Promise<boolean> {
		const valid = await this.#key.publicKey.verify(proven(this.instance), proof);
		if (valid) this.#report({ seenBy: peer });
		return valid;
	}

	stop(): void {
		this.#cancel?.();
	}

	#report(meta: { readonly seenBy: string }): void {
		this.#onCloned(
			new PosterError('mesh-cloned', 'another process runs with the identity of this node', {
				advice: 'stop one of the two, or give it a home of its own with `init`',
				meta,
			}),
		);
	}
}

function proven(instance: Uint8Array): Uint8Array {
	return Buffer.concat([PROOF_PREFIX, instance]);
}
