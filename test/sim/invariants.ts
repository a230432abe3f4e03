/** The safety rules S1 to S5, checked where something changes, and what must still hold in the end. S6 and S7 have tests of their own. */

import { resultHash } from '../../src/codec/work-id.ts';
import type { Effect } from '../../src/core/api.ts';
import { readStatement } from '../../src/core/keys.ts';
import { isPresent } from '../../src/core/liveness.ts';
import { compareResults } from '../../src/core/results.ts';
import type { Envelope } from '../../src/domain/envelope.ts';
import type { Hex32, WorkId } from '../../src/domain/ids.ts';
import { limits } from '../../src/domain/limits.ts';
import type { Result } from '../../src/domain/result.ts';
import type { Write } from '../../src/domain/write.ts';
import { receiptKey } from './chain.ts';
import type { SimNode } from './node.ts';
import { isGoodProof } from './proofs.ts';
import type { World } from './world.ts';

type Violate = (rule: string) => void;

const KEPT_MOST = 32;

interface Kept {
	readonly result: Result;
	readonly hash: Hex32;
}

export class Invariants {
	readonly #world: World;
	readonly #violate: Violate;
	/** Last (incarnation, sequence) of each machine. */
	readonly #said = new Map<SimNode, readonly [number, number]>();
	/** Results that were written lately, as bytes and as what they say. */
	readonly #kept: { readonly value: Uint8Array; readonly envelope: Envelope }[] = [];
	/** Best result on each disk. */
	readonly #results = new Map<SimNode, Map<WorkId, Kept>>();

	constructor(world: World, violate: Violate) {
		this.#world = world;
		this.#violate = violate;
	}

	/** S1, S5: what an honest machine says. */
	published(node: SimNode, envelope: Envelope): void {
		const { incarnation, sequence } = envelope;
		const [lastIncarnation, lastSequence] = this.#said.get(node) ?? [0, -1];
		if (incarnation < lastIncarnation || (incarnation === lastIncarnation && sequence <= lastSequence)) {
			this.#violate(`S5 ${this.#name(node)} went back to ${incarnation}/${sequence}`);
		}
		this.#said.set(node, [incarnation, sequence]);
		if (envelope.kind === 'res') this.#judge(node, envelope.body, 'tells');
	}

	/** Nothing on it binds the machine any more. */
	lostDisk(node: SimNode): void {
		this.#results.delete(node);
	}

	/** S1, S5: what it signs for, what it serves, and for whom it takes itself. */
	effect(node: SimNode, effect: Effect): void {
		if (effect.type === 'sign') {
			const { proof, skipped } = effect.params;
			if (!isGoodProof(effect.work, skipped, proof)) this.#violate(`S1 ${this.#name(node)} signs for a bad proof`);
		} else if (effect.type === 'answer-pull') {
			for (const { statement } of effect.statements) {
				if (statement.envelope.kind === 'res') this.#judge(node, statement.envelope.body, 'serves');
			}
		} else if (effect.type === 'decision' && effect.decision.name === 'result-acknowledged') {
			this.#acknowledged(node, effect.decision.work as WorkId);
		} else if (effect.type === 'alarm' && effect.alarm.code === 'key-cloned') {
			this.#violate(`S5 ${this.#name(node)} takes its own former life for a clone`);
		}
	}

	#judge(node: SimNode, { work, skipped, proof }: Result, does: string): void {
		if (!isGoodProof(work, skipped, proof)) this.#violate(`S1 ${this.#name(node)} ${does} a bad proof`);
	}

	/** S1, S2, S3: what lies on its disk. Retention is longer than any run, so nothing of these is ever deleted. */
	wrote(node: SimNode, batch: readonly Write[]): void {
		for (const write of batch) {
			if (write.key.startsWith('r/')) {
				if (write.type === 'put') this.#keeps(node, write.value);
				else if (this.#isDue(write.key.slice(2) as WorkId)) this.#violate(`S3 ${this.#name(node)} deletes a result`);
			} else if (write.type === 'del' && write.key.startsWith('s/')) {
				this.#violate(`S3 ${this.#name(node)} deletes a submission`);
			}
		}
	}

	#keeps(node: SimNode, value: Uint8Array): void {
		const envelope = this.#read(value);
		if (envelope.kind !== 'res') {
			this.#violate(`S1 ${this.#name(node)} keeps something else as a result`);
			return;
		}
		this.#judge(node, envelope.body, 'keeps');
		const kept = { result: envelope.body, hash: resultHash(envelope.body.proof, envelope.body.skipped) };
		const mine = this.#results.get(node) ?? new Map<WorkId, Kept>();
		this.#results.set(node, mine);
		const before = mine.get(envelope.body.work);
		if (before !== undefined && compareResults(kept, before) > 0) {
			this.#violate(`S3 ${this.#name(node)} keeps a worse result than before`);
		}
		mine.set(envelope.body.work, kept);
	}

	/** What the bytes say: most disks hold the same ones. */
	#read(value: Uint8Array): Envelope {
		const known = this.#kept.find((other) => Buffer.compare(other.value, value) === 0);
		if (known !== undefined) return known.envelope;
		const { envelope } = readStatement(value);
		this.#kept.unshift({ value, envelope });
		this.#kept.length = Math.min(this.#kept.length, KEPT_MOST);
		return envelope;
	}

	#isDue(work: WorkId): boolean {
		return this.#world.chain.slots.some((slot) => this.#world.itemsOf(slot).some(({ id }) => id === work));
	}

	/** S2: a result counts as safe only on three disks, or on all there are; liars may claim to be among them. */
	#acknowledged(node: SimNode, work: WorkId): void {
		const { nodes, liars } = this.#world;
		const { state } = node;
		if (state === null) return;
		const copies = nodes.filter((other) => this.#results.get(other)?.has(work)).length;
		// Who is cut off asks for no more than it sees.
		const seen = nodes.filter(({ id }) => isPresent(state, id)).length;
		if (copies + liars.size < Math.min(limits.copies, seen)) {
			this.#violate(`S2 ${this.#name(node)} counts ${copies} copies as enough`);
		}
	}

	end(): void {
		for (const [node, results] of this.#results) {
			if (!node.isAwake || node.state === null || !this.#world.isHonest(node)) continue;
			for (const work of results.keys()) {
				const known = node.state.works.get(work);
				if (known !== undefined && known.results.best === null) {
					this.#violate(`S2 ${this.#name(node)} lost a result that its disk holds`);
				}
			}
		}
		this.#checkChain();
	}

	/** S4: one message for each nonce, none left out, and no partition counted twice. */
	#checkChain(): void {
		const { tip, slots } = this.#world.chain;
		for (const [sender, next] of tip.nonces) {
			for (let nonce = 0; nonce < next; nonce++) {
				if (!tip.receipts.has(receiptKey(sender, nonce))) this.#violate(`S4 no message at nonce ${nonce}`);
			}
		}
		for (const slot of slots) {
			const proven = this.#world.chain.landed.filter(
				({ message, exitCode }) => exitCode === 0 && this.#world.chain.slotOf(message) === slot,
			);
			if (proven.length !== (tip.posted.get(slot.index)?.size ?? 0)) this.#violate('S4 a partition was proven twice');
			for (const { message } of proven) {
				if (message.call?.kind !== 'submit-post') continue;
				const { partition, proof, skipped } = message.call.params;
				const item = this.#world.itemsOf(slot).find((due) => due.partition === partition);
				if (item === undefined || !isGoodProof(item.id, skipped, proof)) this.#violate('S1 a bad proof on the chain');
			}
		}
	}

	#name(node: SimNode): string {
		return this.#world.nameOf(node.id);
	}
}
