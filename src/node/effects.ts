/** Hands each effect of the core to the part that carries it out. Nothing is decided here. */
import { sealEnvelope } from '../codec/envelope.ts';
import type { Effect, EffectOf, Event } from '../core/api.ts';
import { assert, isPosterError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { Directory } from '../ports/directory.ts';
import type { Identity } from '../ports/identity.ts';
import type { Log } from '../ports/log.ts';
import type { Mesh } from '../ports/mesh.ts';
import type { Verifier } from '../ports/verifier.ts';
import type { DuePartitions } from './chain/due-partitions.ts';
import type { Submitter } from './chain/submitter.ts';
import type { EventHub } from './event-hub.ts';
import type { Finding } from './finding.ts';
import type { Gatherer } from './gather/gatherer.ts';
import type { HolderQuestions } from './gather/holder-questions.ts';
import type { ManifestBook } from './manifest-book.ts';
import type { ManifestExchange } from './manifest-exchange.ts';
import { checkMessage } from './message-check.ts';
import type { Prober } from './prober.ts';
import type { Proving } from './proving.ts';
import type { SyncExchange } from './sync-exchange.ts';
import type { AheadLoader } from './vanilla-server/ahead-loader.ts';

export interface EffectParts {
	readonly identity: Identity;
	readonly mesh: Mesh;
	readonly directory: Directory;
	readonly log: Log;
	readonly hub: EventHub;
	readonly book: ManifestBook;
	readonly manifests: ManifestExchange;
	readonly sync: SyncExchange;
	readonly prober: Prober;
	/** Undefined on nodes without the prover role. */
	readonly gatherer: Gatherer | undefined;
	/** Undefined on nodes without the submitter role. */
	readonly questions: HolderQuestions | undefined;
	readonly proving: Proving;
	readonly finding: Finding;
	/** Undefined on nodes without the storage role. */
	readonly ahead: AheadLoader | undefined;
	/** Undefined on nodes without a chain. */
	readonly submitter: Submitter | undefined;
	/** Undefined on nodes without a chain. */
	readonly partitions: DuePartitions | undefined;
	readonly verifier: Verifier;
	readonly enqueue: (event: Event) => void;
	/** A part failed in a way that it does not know: the node cannot go on. */
	readonly fatal: (error: unknown) => void;
}

export class Effects {
	readonly #parts: EffectParts;

	constructor(parts: EffectParts) {
		this.#parts = parts;
	}

	/** Every part answers for the errors it knows; what is left is a bug. */
	run(effect: Effect): void {
		try {
			this.#start(effect)?.catch(this.#parts.fatal);
		} catch (error) {
			this.#parts.fatal(error);
		}
	}

	#start(effect: Effect): Promise<void> | undefined {
		const parts = this.#parts;
		switch (effect.type) {
			case 'publish':
				return this.#publish(effect);
			case 'fetch-manifest':
				return parts.manifests.fetch(effect);
			case 'forget-manifest':
				return this.#forgetManifest(effect);
			case 'gather':
				parts.finding.found(effect.work.id);
				present(parts.gatherer).gather(effect);
				return undefined;
			case 'gather-stop':
				return present(parts.gatherer).stop(effect);
			case 'ask-holder':
				return present(parts.questions).ask(effect);
			case 'prove':
				return parts.proving.prove(effect);
			case 'prove-cancel':
				parts.proving.cancel(effect);
				return undefined;
			case 'verify':
				return parts.proving.verify(effect);
			case 'probe':
				return parts.prober.probe(effect);
			case 'sync':
				return parts.sync.sync(effect);
			case 'pull':
				return parts.sync.pull(effect);
			case 'answer-sync':
			case 'answer-pull':
				parts.sync.answer(effect);
				return undefined;
			case 'find-holders':
				return this.#findHolders(effect);
			case 'open-ahead':
				return parts.ahead?.open(effect);
			case 'prepare':
				return present(parts.submitter).prepare(effect);
			case 'sign':
				return present(parts.submitter).sign(effect);
			case 'check-message':
				return checkMessage(parts.verifier, effect, parts.enqueue);
			case 'push':
				return present(parts.submitter).push(effect);
			case 'search':
				return present(parts.submitter).search(effect);
			case 'alarm':
				parts.hub.alarm(effect.alarm);
				return undefined;
			case 'alarm-cleared':
				parts.hub.alarmCleared(effect.code, effect.subject);
				return undefined;
			case 'decision':
				parts.finding.decided(effect.decision);
				parts.hub.decision(effect.decision);
				return undefined;
		}
	}

	async #publish({ envelope }: EffectOf<'publish'>): Promise<void> {
		const { identity, mesh, log } = this.#parts;
		try {
			await mesh.publish(sealEnvelope(envelope, (bytes) => identity.sign(bytes)));
		} catch (error) {
			// Gossip is a hint: what did not leave now is found by sync.
			if (!isPosterError(error)) throw error;
			log.warn({ code: error.code, kind: envelope.kind }, 'a statement could not be gossiped');
		}
	}

	async #forgetManifest({ root }: EffectOf<'forget-manifest'>): Promise<void> {
		// Before it is gone, so that what is read from the chain meanwhile is put after it.
		this.#parts.partitions?.lost(root);
		try {
			await this.#parts.book.forget(root);
		} catch (error) {
			if (!isPosterError(error)) throw error;
			this.#parts.log.warn({ code: error.code, root }, 'an old manifest stays on disk');
		}
	}

	async #findHolders({ miner, block }: EffectOf<'find-holders'>): Promise<void> {
		const { directory, enqueue } = this.#parts;
		const options = { timeoutMs: limits.directoryFindMs, limit: limits.directoryProviders };
		const peers = await Array.fromAsync(directory.find(miner, block, options));
		enqueue({ type: 'holders-found', miner, block, peers });
	}
}

/** The core asks only for what the node's roles can do. */
function present<T>(part: T | undefined): T {
	assert(part !== undefined, 'an effect for a role that this node does not have');
	return part;
}
