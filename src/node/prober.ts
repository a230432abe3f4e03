/**
 * Is a silent peer really gone? It is asked directly and through others at the same time, so that one cut link is not
 * taken for a death (SWIM, Das et al. 2002).
 */
import { cborNodeId } from '../codec/mesh-cbor.ts';
import type { EffectOf, Event } from '../core/api.ts';
import { isPosterError } from '../domain/errors.ts';
import type { NodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { Mesh } from '../ports/mesh.ts';
import type { Streams } from '../ports/streams.ts';
import { asRequest } from './as-request.ts';

export const PROBE_PROTOCOL = '/poster/probe/1';
const ALIVE = Uint8Array.of(1);
const SILENT = Uint8Array.of(0);

export interface ProberPorts {
	readonly mesh: Mesh;
	readonly streams: Streams;
	readonly clock: Clock;
}

export class Prober {
	readonly #mesh: Mesh;
	readonly #streams: Streams;
	readonly #clock: Clock;
	readonly #enqueue: (event: Event) => void;
	/** Probes for others, of connected members only: bounded by those. */
	readonly #asked = new Map<NodeId, { readonly at: number; readonly alive: Promise<boolean> }>();

	constructor({ mesh, streams, clock }: ProberPorts, enqueue: (event: Event) => void) {
		this.#mesh = mesh;
		this.#streams = streams;
		this.#clock = clock;
		this.#enqueue = enqueue;
	}

	/** Asks in another's name. The request is the peer id's text. */
	serve(): void {
		this.#streams.onCall(PROBE_PROTOCOL, limits.peerIdChars, async (_asking, request) => {
			const target = asRequest(() => cborNodeId(Buffer.from(request).toString('latin1'), 'peer'));
			const alive = this.#mesh.peers().includes(target) && (await this.#probeForOthers(target));
			return alive ? ALIVE : SILENT;
		});
	}

	/** One ping answers all who ask at about the same time: nobody can make this node ping a third one without end. */
	#probeForOthers(target: NodeId): Promise<boolean> {
		const now = this.#clock.now();
		for (const [peer, { at }] of this.#asked) if (now - at >= limits.probeReuseMs) this.#asked.delete(peer);
		const known = this.#asked.get(target);
		if (known !== undefined) return known.alive;
		const alive = this.#mesh.probe(target, limits.probeMs);
		this.#asked.set(target, { at: now, alive });
		return alive;
	}

	/** Effect `probe`. */
	async probe({ peer, via, timeoutMs }: EffectOf<'probe'>): Promise<void> {
		const answers = [this.#mesh.probe(peer, timeoutMs), ...via.map((helper) => this.#ask(helper, peer, timeoutMs))];
		const alive = await Promise.any(answers.map(affirmed)).catch(() => false);
		this.#enqueue({ type: 'probed', peer, alive });
	}

	async #ask(helper: NodeId, peer: NodeId, timeoutMs: number): Promise<boolean> {
		try {
			const options = { timeoutMs, maxResponseBytes: 1 };
			const answer = await this.#streams.call(helper, PROBE_PROTOCOL, Buffer.from(peer, 'latin1'), options);
			return answer[0] === 1;
		} catch (error) {
			if (isPosterError(error)) return false;
			throw error;
		}
	}
}

async function affirmed(answer: Promise<boolean>): Promise<true> {
	if (await answer) return true;
	throw new Error('silent');
}
