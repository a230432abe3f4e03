/** A machine's streams of vanilla proofs and the spools they fill. */
import type { EffectOf } from '../../src/core/api.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import type { NodeId, WorkId } from '../../src/domain/ids.ts';
import type { WorkItem } from '../../src/domain/work.ts';
import type { SimNode } from './node.ts';

export class SimGather {
	readonly #node: SimNode;
	readonly #spools = new Map<WorkId, Bitfield>();
	/** Gathers in progress: what arrives for an older one of the same work is late. */
	readonly #open = new Map<WorkId, number>();
	#count = 0;

	constructor(node: SimNode) {
		this.#node = node;
	}

	spool(work: WorkId): Bitfield {
		return this.#spools.get(work) ?? Bitfield.empty;
	}

	begin({ work, shares }: EffectOf<'gather'>): void {
		const node = this.#node;
		if (!this.#open.has(work.id)) {
			this.#open.set(work.id, this.#count++);
			const kept = this.#spools.get(work.id);
			if (kept !== undefined) node.answer(1, { type: 'gathered', work: work.id, peer: node.id, ok: kept, failed: [] });
		}
		const token = this.#open.get(work.id);
		for (const { peer: id, sectors } of shares) {
			const peer = node.world.node(id);
			node.later(peer.storage.streamMs(), () => {
				if (this.#open.get(work.id) === token) this.#take(work, id, sectors, peer);
			});
		}
	}

	#take({ id: work }: WorkItem, peer: NodeId, sectors: Bitfield, from: SimNode): void {
		const node = this.#node;
		const served = node.world.network.reaches(node, from) ? from.storage.serve(sectors) : null;
		if (served === null) {
			node.give({ type: 'gather-ended', work, peer, code: 'stream-reset' });
			return;
		}
		const { ok, failed } = served;
		this.#spools.set(work, this.spool(work).union(ok));
		node.give({ type: 'gathered', work, peer, ok, failed });
		node.give({ type: 'gather-ended', work, peer, code: null });
	}

	/** A submitter's question: does the sector come, and is it good? */
	ask({ work, peer: id, sectors }: EffectOf<'ask-holder'>): void {
		const node = this.#node;
		const peer = node.world.node(id);
		node.later(peer.storage.streamMs(), () => {
			const served = node.world.network.reaches(node, peer) ? peer.storage.serve(sectors) : null;
			const ok = served?.ok ?? Bitfield.empty;
			node.give({ type: 'holder-answered', work: work.id, peer: id, ok, asked: true });
		});
	}

	end({ work, keep }: EffectOf<'gather-stop'>): void {
		this.#open.delete(work);
		if (!keep) this.#spools.delete(work);
	}

	/** Spools are unlinked files: they die with the process. */
	stop(): void {
		this.#spools.clear();
		this.#open.clear();
	}
}
