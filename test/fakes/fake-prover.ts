/** Prover and verifier of fake proofs: as strict as the real ones about what they are given, and as slow as a test wants. */
import { readFile } from 'node:fs/promises';
import { blake2b } from '@noble/hashes/blake2.js';
import { isPosterError, PosterError } from '../../src/domain/errors.ts';
import { hex32 } from '../../src/domain/ids.ts';
import { proofShape } from '../../src/domain/proof.ts';
import type { ProofJob, ProofMade, ProofPhase, ProverSlot } from '../../src/ports/prover.ts';
import type { PostStatement, Verdict, Verifier, VerifyingKey } from '../../src/ports/verifier.ts';
import { fakeProof, fakeVanilla, wrongStatement } from './fake-proofs.ts';

const PHASES = ['read', 'params', 'circuit', 'synthesis', 'prove'] as const;

export class FakeProverSlot implements ProverSlot {
	readonly name: string;
	#busy = false;
	#closed = false;
	#gate: PromiseWithResolvers<void> | undefined;
	/** As if the worker died for good, or came back. */
	setInService: Parameters<ProverSlot['watch']>[0] = () => undefined;
	/** Errors for the next jobs, one each. */
	readonly failNext: PosterError[] = [];
	/** As if its worker had died so often. */
	deaths = 0;

	constructor(name: string) {
		this.name = name;
	}

	/** A proof that runs stays in its last phase until `release`. */
	hold(): void {
		this.#gate ??= Promise.withResolvers<void>();
	}

	release(): void {
		this.#gate?.resolve();
		this.#gate = undefined;
	}

	async prove(job: ProofJob, onPhase: (phase: ProofPhase) => void, signal: AbortSignal): Promise<ProofMade> {
		if (this.#closed) throw new PosterError('prover-unavailable', 'closed');
		if (this.#busy) throw new PosterError('prover-unavailable', 'one job at a time');
		if (signal.aborted) throw cancelled();
		this.#busy = true;
		const aborted = Promise.withResolvers<never>();
		const abort = (): void => {
			this.deaths++;
			aborted.reject(cancelled());
		};
		signal.addEventListener('abort', abort, { once: true });
		try {
			return await Promise.race([this.#prove(job, onPhase, signal), aborted.promise]);
		} finally {
			signal.removeEventListener('abort', abort);
			this.#busy = false;
		}
	}

	async #prove(job: ProofJob, onPhase: (phase: ProofPhase) => void, signal: AbortSignal): Promise<ProofMade> {
		const failure = this.failNext.shift();
		if (failure?.code === 'prover-crashed') this.deaths++;
		if (failure !== undefined) throw failure;
		await readSpool(job);
		for (const phase of PHASES) {
			onPhase({ phase, state: 'start' });
			if (phase === 'prove') await this.#gate?.promise;
			await new Promise((resolve) => setImmediate(resolve));
			if (signal.aborted) throw cancelled();
			onPhase({ phase, state: 'end', ms: 1 });
		}
		const phaseMs = Object.fromEntries(PHASES.map((phase) => [phase, 1]));
		return { proof: fakeProof(job.statement), phaseMs, device: 'fake' };
	}

	watch(changed: Parameters<ProverSlot['watch']>[0]): void {
		this.setInService = changed;
	}

	async close(): Promise<void> {
		this.#closed = true;
	}
}

async function readSpool({ statement, spool }: ProofJob): Promise<void> {
	const { vanillaBytes } = proofShape(statement.proofType);
	try {
		const bytes = await readFile(spool.path);
		for (const sector of statement.sectors) {
			const at = spool.slotOf(sector.number) * vanillaBytes;
			if (Buffer.compare(bytes.subarray(at, at + vanillaBytes), fakeVanilla(statement, sector)) === 0) continue;
			throw new PosterError('prover-failed', 'a slot does not hold its proof', { meta: { code: 'bad-vanilla' } });
		}
	} catch (cause) {
		if (isPosterError(cause)) throw cause;
		throw new PosterError('prover-failed', 'no spool', { cause, meta: { code: 'spool' } });
	}
}

function cancelled(): PosterError {
	return new PosterError('prover-cancelled', 'cancelled');
}

/** A signature that a FakeVerifier accepts, of the real length. */
export function fakeSignature(kind: 1 | 2, address: Uint8Array, message: Uint8Array): Uint8Array {
	const signature = new Uint8Array(kind === 1 ? 65 : 96);
	signature.set(blake2b(Buffer.concat([address, message]), { dkLen: 64 }));
	return signature;
}

export class FakeVerifier implements Verifier {
	#closed = false;
	/** Errors for the next verifications, one each. */
	readonly failNext: PosterError[] = [];

	async verifyPost(statement: PostStatement, proof: Uint8Array, signal?: AbortSignal): Promise<Verdict> {
		signal?.throwIfAborted();
		this.#alive();
		const wrong = wrongStatement(statement);
		if (wrong !== undefined) return { ok: false, detail: wrong };
		const ok = Buffer.compare(fakeProof(statement), proof) === 0;
		return ok ? { ok } : { ok, detail: 'it is another proof' };
	}

	async verifySignature(
		kind: 1 | 2,
		address: Uint8Array,
		message: Uint8Array,
		signature: Uint8Array,
	): Promise<Verdict> {
		this.#alive();
		const ok = message.length > 0 && Buffer.compare(fakeSignature(kind, address, message), signature) === 0;
		return ok ? { ok } : { ok, detail: 'it is another signature' };
	}

	async keys(): Promise<readonly VerifyingKey[]> {
		this.#alive();
		return [{ name: 'fake.vk', proofType: 10, sha256: hex32('fa'.repeat(32)), published: false }];
	}

	async close(): Promise<void> {
		this.#closed = true;
	}

	#alive(): void {
		if (this.#closed) throw new PosterError('verifier-unavailable', 'closed');
		const failure = this.failNext.shift();
		if (failure !== undefined) throw failure;
	}
}
