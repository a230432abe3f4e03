/**
 * Notices a second process with this node's identity. They meet directly when one dials the other: libp2p refuses a
 * connection to the own id on both sides. A process that dials itself through another address of its machine meets
 * itself in both directions, a clone in one. They meet through others by the instance number that each process sends
 * with the exchange of addresses (`peer-exchange.ts`).
 */
import { randomBytes } from 'node:crypto';
import { PosterError } from '../../domain/errors.ts';
import type { NodeId } from '../../domain/ids.ts';
import type { Clock } from '../../ports/clock.ts';

/** The two ends of a connection to oneself fail within a round trip of each other. */
const SETTLE_MS = 2_000;

export class CloneWatch {
	/** 16 random bytes: this process among those with the same identity. */
	readonly instance: Uint8Array = randomBytes(16);
	readonly #clock: Clock;
	readonly #onCloned: (error: PosterError) => void;
	readonly #met = { inbound: 0, outbound: 0 };
	#cancel: (() => void) | undefined;

	constructor(clock: Clock, onCloned: (error: PosterError) => void) {
		this.#clock = clock;
		this.#onCloned = onCloned;
	}

	/** A handshake ended at the own id. */
	met(direction: 'inbound' | 'outbound'): void {
		this.#met[direction] += 1;
		this.#cancel ??= this.#clock.after(SETTLE_MS, () => {
			this.#cancel = undefined;
			const { inbound, outbound } = this.#met;
			this.#met.inbound = 0;
			this.#met.outbound = 0;
			if (inbound !== outbound) this.#report({ seenBy: 'handshake' });
		});
	}

	/** A peer is connected to another live process with this node's id. */
	seenBy(peer: NodeId): void {
		this.#report({ seenBy: peer });
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
