import type { Spool } from './vanilla.ts';
import type { PostStatement } from './verifier.ts';

export interface ProofPhase {
	readonly phase: string;
	readonly state: 'start' | 'end';
	/** Milliseconds the phase took, at its end. */
	readonly ms?: number;
}

export interface ProofJob {
	readonly statement: PostStatement;
	/** Vanilla proofs of exactly the statement's sectors lie in this spool. */
	readonly spool: Spool;
	/** The library's prover makes it, whatever the engine: this job has killed provers. */
	readonly stock?: boolean;
}

/** Our own prover, or the proving library's. */
export type ProofEngine = 'own' | 'stock';

export interface ProofMade {
	readonly proof: Uint8Array;
	readonly phaseMs: Readonly<Record<string, number>>;
	readonly device: string;
	/** Most memory of the program so far, where it tells. */
	readonly peakRssMb?: number;
	/** Which prover made it, where the program tells. */
	readonly engine?: ProofEngine;
	/** Why our own prover was given up during this job; the library made the proof then. */
	readonly alarm?: string;
}

/**
 * One GPU or CPU slot. One job at a time. Rejects with `prover-crashed` (child died; meta.ownEngine: perhaps in our own
 * prover), `prover-failed` (library refused the job), `prover-cancelled` (the signal aborted: known within 1 s),
 * `prover-unavailable`.
 */
export interface ProverSlot {
	readonly name: string;
	/** `onPhase` is called only for frames that came from the code that did the work. */
	prove(job: ProofJob, onPhase: (phase: ProofPhase) => void, signal: AbortSignal): Promise<ProofMade>;
	/**
	 * Tells when the slot goes out of service (its worker dies again and again), with the error that it does so for, and
	 * when it is back; in service at first. One that is out already says so at once. One listener.
	 */
	watch(changed: (inService: boolean, why?: unknown) => void): void;
	/** Times that its program has ended so far: what it kept in memory is gone then. Absent where that is not known. */
	readonly deaths?: number;
	/** Lets it stand still where it is until the returned function is called; absent where that cannot be done. */
	pause?(): () => void;
	close(): Promise<void>;
}

export interface Prover {
	readonly slots: readonly ProverSlot[];
}
