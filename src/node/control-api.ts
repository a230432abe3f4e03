/** What the control API says and what it needs from the node: the contract between node, CLI and dashboards (docs/control.md). */
import type { ItemFilter, View } from '../core/api.ts';
import type { ActorId, DeadlineIndex, NodeId, PartitionIndex } from '../domain/ids.ts';
import type { Role } from '../domain/roster.ts';
import type { WinningChallenge } from '../domain/winning.ts';
import type { Ban } from '../ports/mesh.ts';
import type { PeerFile } from './params-exchange.ts';
import type { SlotTimes } from './proof-times.ts';
import type { SignedRoster } from './roster-file.ts';
import type { WinningProof } from './winning/winning-requests.ts';

/** What the node offers to the control API. */
export interface ControlSource {
	/** The core's view of now, with the items that `shows` says. */
	view(shows: ItemFilter): View;
	facts(): NodeFacts;
	roster(): SignedRoster;
	/** Verifies, stores and spreads a new roster. Rejects `roster-bad`, `roster-signature`, `roster-older`. */
	setRoster(bytes: Uint8Array): Promise<SignedRoster>;
	/** Prometheus text. */
	metrics(): Promise<string>;
	/** What this node measured of each work item it had a part in. */
	times(): Readonly<Record<string, StepMs>>;
	/** JSON about connections, gossip and streams; its shape is for people and may change. */
	debugMesh(): unknown;
	/** Members that this node refuses for a while. */
	bans(): readonly Ban[];
	/** Lifts a ban; false when there is none. */
	pardon(peer: NodeId): boolean;
	/** A published parameter file of a member from `offset` on; undefined when it does not hold it. Rejects `stream-…`. */
	params(peer: NodeId, name: string, offset: number, signal: AbortSignal): Promise<PeerFile | undefined>;
	/** Starts proving a deadline now. Rejects `compute-…` codes (unknown miner, no such deadline, no chain, too many). */
	compute(request: ComputeRequest): Promise<string>;
	/** Undefined for an id that was never given, or is forgotten. */
	computeState(id: string): ComputeState | undefined;
	/** Ends a run that still goes on; what it has proven stays readable. False for an unknown id. */
	cancelCompute(id: string): boolean;
	/** The winning PoSt of a block, made and verified. Rejects `winning-…`. */
	winningPost(challenge: WinningChallenge, signal: AbortSignal): Promise<WinningProof>;
	/** Calls `listener` for every event until the returned function is called. Must not throw or wait. */
	subscribe(listener: (event: ControlEvent) => void): () => void;
	/** Begins an orderly end; returns at once. */
	stop(): void;
}

/** What the core does not know of its node. */
export interface NodeFacts {
	readonly version: string;
	readonly pid: number;
	readonly name: string;
	readonly roles: readonly Role[];
	readonly addresses: readonly string[];
	readonly startedWallMs: number;
	/** `none`: no chain role. */
	readonly chain: 'none' | 'following' | 'lost';
	readonly loopDelayP99Ms: number;
	/** What proofs take here, by slot and type. */
	readonly proofTimes: readonly SlotTimes[];
	/** For how long the store has refused to write: meanwhile nothing is claimed or sent. 0 when it works. */
	readonly storeStalledMs: number;
}

export interface StatusReport extends NodeFacts {
	readonly id: NodeId;
	readonly network: string;
	readonly rosterVersion: number;
	readonly epoch: number;
	readonly epochMs: number;
	readonly synced: boolean;
	/** The others of the roster, and those of them that are connected. */
	readonly members: number;
	readonly connected: number;
	readonly slots: View['slots'];
	readonly slotsOut: View['slotsOut'];
	readonly alarms: View['alarms'];
	readonly ignored: View['ignored'];
	readonly counters: View['counters'];
}

export interface ClaimRow {
	readonly work: string;
	readonly kind: 'post' | 'dry';
	/** `f01000` */
	readonly miner: string;
	readonly deadline: number;
	readonly partition: number;
	readonly sectors: number;
	/** Sectors that were fetched and checked, when this node gathers. */
	readonly gathered: number;
	/** Furthest point reached by anybody: see docs/control.md. */
	readonly phase: string;
	/** Who works on it, the winner first; backups after it. */
	readonly holders: readonly ClaimHolder[];
	readonly epochsLeft: number;
	readonly leftMs: number;
	/** Why this node does not take it; `own` when it does. */
	readonly why: string;
	readonly result: {
		readonly prover: string;
		readonly proveMs: number;
		readonly skipped: number;
		readonly copies: number;
	} | null;
	readonly submission: {
		readonly phase: string;
		readonly reason: string;
		readonly cid: string | null;
		readonly nonce: number | null;
		readonly includedAt: number | null;
	} | null;
}

export interface ClaimHolder {
	readonly id: NodeId;
	readonly name: string;
	readonly term: number;
	readonly backup: boolean;
	readonly phase: string;
	/** Finished share, 0 to 1000. */
	readonly permille: number;
	readonly silentMs: number;
}

export interface ClaimsReport {
	readonly node: string;
	readonly network: string;
	readonly epoch: number;
	readonly epochMs: number;
	readonly synced: boolean;
	readonly connected: number;
	readonly members: number;
	readonly claims: readonly ClaimRow[];
	readonly alarms: View['alarms'];
}

export interface ComputeRequest {
	/** Undefined: the roster's only miner. */
	readonly miner?: ActorId;
	readonly deadline: DeadlineIndex;
	/** Undefined: every partition with sectors to prove. */
	readonly partition?: PartitionIndex;
	/** Send the proofs too: only while the deadline is open and its real challenge is proven. */
	readonly submit: boolean;
}

export const COMPUTE_STEPS = ['find', 'open', 'transfer', 'check', 'prove', 'verify'] as const;
export type ComputeStep = (typeof COMPUTE_STEPS)[number];

/** Milliseconds of the steps that ended. */
export type StepMs = Readonly<Partial<Record<ComputeStep, number>>>;

export interface ComputePartition {
	readonly partition: number;
	readonly sectors: number;
	/** As `ClaimRow.phase`, or `failed`. */
	readonly phase: string;
	/** Name of the prover, null while nobody has it. */
	readonly holder: string | null;
	readonly permille: number;
	readonly stepMs: StepMs;
	readonly skipped: readonly number[];
	/** 192 bytes in base64 once proven and verified. */
	readonly proof: string | null;
	readonly error: string | null;
}

export interface ComputeState {
	readonly id: string;
	/** `empty`: the deadline has nothing to prove. `failed`: it ended with a partition unproven. */
	readonly state: 'running' | 'done' | 'failed' | 'cancelled' | 'empty';
	/** Why it failed. */
	readonly error: string | null;
	readonly miner: string;
	readonly deadline: number;
	/** 64 hex digits; null, as the proof type, while it is not known or nothing is to be proven. */
	readonly randomness: string | null;
	readonly proofType: number | null;
	readonly submit: boolean;
	readonly startedWallMs: number;
	readonly wallMs: number;
	readonly partitions: readonly ComputePartition[];
}

export interface BanRow {
	readonly id: NodeId;
	/** By the roster; bans of those that left it are forgotten. */
	readonly name: string;
	readonly reason: string;
	readonly leftMs: number;
	/** Bans in a row, this one included: each doubles the next. */
	readonly times: number;
}

/** One line of `/events`: what the core decided or the node saw. `wallMs` is for people and for tests of order. */
export interface ControlEvent {
	readonly wallMs: number;
	readonly type: string;
	readonly facts: Readonly<Record<string, string | number | boolean | null>>;
}

export interface ControlErrorBody {
	readonly error: { readonly code: string; readonly message: string; readonly advice: string | null };
}

/** Content of control.json in the home. */
export interface ControlFile {
	readonly url: string;
	readonly token: string;
	readonly pid: number;
}
