/**
 * Runs of `poster-node compute`: a deadline is proven across the mesh as a dry run, and this follows it. With `submit`
 * nothing new is made: the mesh proves and sends what is due by itself, so the run follows those items to the chain.
 */
import { minerAddress } from '../codec/address.ts';
import { challengeKey } from '../codec/work-id.ts';
import type { Event, ItemFilter, StoredResult, View } from '../core/api.ts';
import { isPosterError, PosterError } from '../domain/errors.ts';
import type { ActorId, NodeId, WorkId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Roster } from '../domain/roster.ts';
import type { Challenge, ChallengeKey, WorkItem } from '../domain/work.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Streams } from '../ports/streams.ts';
import type { DryRun, DryRunRequest } from './chain/dry-run.ts';
import { askDryRun, takeBackDryRun } from './chain/dry-run-exchange.ts';
import type { ComputePartition, ComputeRequest, ComputeState, StepMs } from './control-api.ts';
import { claimRow, namesIn, noItems } from './control-views.ts';
import { askStepTimes, type StepTimes } from './step-times.ts';

export interface ComputePorts {
	readonly streams: Streams;
	readonly clock: Clock;
	readonly log: Log;
}

export interface ComputeOptions {
	readonly view: (shows: ItemFilter) => View;
	readonly results: () => readonly StoredResult[];
	readonly roster: () => Roster;
	readonly times: StepTimes;
	/** Makes and announces a dry run here; undefined on nodes without a chain. */
	readonly announce: ((request: DryRunRequest) => Promise<DryRun>) | undefined;
	/** A number that no other run has. */
	readonly nonce: () => number;
	readonly enqueue: (event: Event) => void;
	/** Hears of a bug in a run. */
	readonly fatal: (error: unknown) => void;
}

/** What was announced for a run, and by whom it can be taken back. */
interface Announced {
	readonly nonce: number;
	/** Null: by this node. */
	readonly by: NodeId | null;
	readonly made: DryRun | null;
}

interface Run {
	readonly id: string;
	readonly request: ComputeRequest;
	readonly miner: ActorId;
	/** Null while nothing is known of it: an empty deadline, or a due one without a result yet. */
	challenge: Challenge | null;
	readonly key: ChallengeKey | null;
	/** Null with `submit`: what is due is nobody's to take back. */
	readonly announced: Announced | null;
	readonly startedWallMs: number;
	readonly startedMs: number;
	/** Times told by other provers, by work. */
	readonly told: Map<WorkId, StepMs>;
	state: ComputeState['state'];
	error: string | null;
	partitions: readonly ComputePartition[];
	wallMs: number;
	/** As `wallMs`: when a slot was last seen that could prove, or was at work. */
	offeredMs: number;
}

const NO_PROVER =
	'no prover of the mesh has a slot in service: `poster-node status` on the provers says why; `poster-node claims` shows who is connected';
const SENT: readonly string[] = ['included', 'done'];

export class ComputeRuns {
	readonly #ports: ComputePorts;
	readonly #options: ComputeOptions;
	/** Oldest first. */
	readonly #runs = new Map<string, Run>();
	#stopped = false;

	constructor(ports: ComputePorts, options: ComputeOptions) {
		this.#ports = ports;
		this.#options = options;
	}

	stop(): void {
		this.#stopped = true;
	}

	/** False for an unknown id. What is proven stays readable. */
	cancel(id: string): boolean {
		const run = this.#runs.get(id);
		if (run === undefined) return false;
		if (run.state === 'running') run.state = 'cancelled';
		return true;
	}

	state(id: string): ComputeState | undefined {
		const run = this.#runs.get(id);
		if (run === undefined) return undefined;
		const { request, miner, challenge, startedWallMs, state, error, partitions, wallMs } = run;
		return {
			id,
			state,
			error,
			miner: minerAddress(miner),
			deadline: request.deadline,
			randomness: challenge?.randomness ?? null,
			proofType: challenge?.proofType ?? null,
			submit: request.submit,
			startedWallMs,
			wallMs,
			partitions,
		};
	}

	/** Rejects `compute-…` and the errors of chain and streams. */
	async start(request: ComputeRequest): Promise<string> {
		this.#makeRoom();
		const miner = this.#miner(request);
		return request.submit ? this.#followDue(miner, request) : this.#dryRun(miner, request);
	}

	async #dryRun(miner: ActorId, request: ComputeRequest): Promise<string> {
		const announced = await this.#announce({
			nonce: this.#options.nonce(),
			miner,
			deadline: request.deadline,
			partition: request.partition ?? null,
		});
		const { made } = announced;
		if (made === null || made.due.length === 0) return this.#add(request, miner, null, null);
		const key = challengeKey(this.#options.roster().network, made.challenge);
		return this.#add(request, miner, key, announced);
	}

	#followDue(miner: ActorId, request: ComputeRequest): string {
		if (this.#options.announce === undefined) {
			throw new PosterError('compute-no-chain', 'this node has no chain, so it cannot see when a proof is on it', {
				advice: 'Ask a node with the chain role; without --submit any node will do.',
			});
		}
		const { deadline } = request;
		// The same deadline of the day before is kept for a while.
		const isDue: ItemFilter = (item, epochsLeft) =>
			item.kind === 'post' && item.miner === miner && item.deadline === deadline && epochsLeft >= 0;
		const first = this.#options.view(isDue).items[0];
		if (first === undefined) {
			throw new PosterError('compute-not-due', `deadline ${deadline} of f0${miner} is not due now`, {
				advice: 'Only proofs of the real challenge can be sent; without --submit any deadline can be proven.',
			});
		}
		return this.#add(request, miner, first.key, null);
	}

	/** By this node's chain, else by the first connected chain node that answers. */
	async #announce(request: DryRunRequest): Promise<Announced> {
		const { announce } = this.#options;
		const { nonce } = request;
		if (announce !== undefined) return { nonce, by: null, made: await announce(request) };
		const chainNodes = this.#options
			.view(noItems)
			.peers.filter(({ roles, connected }) => roles.includes('chain') && connected);
		let failed: unknown;
		for (const { node } of chainNodes) {
			try {
				return { nonce, by: node, made: await askDryRun(this.#ports.streams, node, request) };
			} catch (error) {
				if (!isPosterError(error) || error.code.startsWith('compute-')) throw error;
				failed = error;
			}
		}
		throw new PosterError('compute-no-chain', 'no chain node answers', {
			cause: failed,
			advice: 'A dry run needs a node with the chain role to say what is in the deadline.',
		});
	}

	/** Without a key there is nothing to prove. */
	#add(request: ComputeRequest, miner: ActorId, key: ChallengeKey | null, announced: Announced | null): string {
		const { clock } = this.#ports;
		const run: Run = {
			id: `${request.deadline}-${this.#options.nonce().toString(16)}`,
			request,
			miner,
			challenge: announced?.made?.challenge ?? null,
			key,
			announced,
			startedWallMs: clock.wallMs(),
			startedMs: clock.now(),
			told: new Map(),
			state: key === null ? 'empty' : 'running',
			error: null,
			partitions: [],
			wallMs: 0,
			offeredMs: 0,
		};
		this.#runs.set(run.id, run);
		if (key !== null) this.#follow(run, key).catch(this.#options.fatal);
		return run.id;
	}

	async #follow(run: Run, key: ChallengeKey): Promise<void> {
		let seen = false;
		while (!this.#stopped && run.state === 'running') {
			const view = this.#options.view((item) => item.key === key && isWanted(run, item));
			const { items } = view;
			seen ||= items.length > 0;
			if (items.length > 0) await this.#refresh(run, view);
			// It may have been ended meanwhile.
			if (run.state !== 'running') break;
			run.wallMs = this.#ports.clock.now() - run.startedMs;
			if (run.partitions.length > 0 && run.partitions.every((partition) => isComplete(run, partition))) {
				run.state = 'done';
				break;
			}
			if (!seen && run.wallMs > limits.computeSeenMs) fail(run, 'the announced partitions never arrived here');
			else if (this.#isIdle(run, view)) fail(run, NO_PROVER);
			// The core drops an item some time after its close.
			else if ((seen && items.length === 0) || items.some(({ epochsLeft }) => epochsLeft < 0)) {
				fail(run, 'the time for it is over');
			} else await this.#ports.clock.sleep(limits.computePollMs);
		}
		if (run.announced !== null) await this.#takeBack(key, run.announced);
	}

	/** Nobody works on it and nobody could, for longer than a prover needs to come back. */
	#isIdle(run: Run, { items, peers, self, slots }: View): boolean {
		const offered = peers.some((peer) => {
			// One that only others reach hears of it from them, and takes it like any other.
			const isHeard = peer.connected || (peer.silentMs ?? Number.MAX_SAFE_INTEGER) <= limits.rankMs;
			const count = peer.node === self ? slots.length : isHeard ? peer.slots : 0;
			return peer.roles.includes('prover') && count > 0;
		});
		const isWaiting = items.some(({ result }) => result === null) && items.every(({ holders }) => holders.length === 0);
		if (offered || !isWaiting) run.offeredMs = run.wallMs;
		return run.wallMs - run.offeredMs > limits.computeOfferedMs;
	}

	/** What is proven already stays; what is not proven yet is left by all. */
	async #takeBack(key: ChallengeKey, { by, nonce }: Announced): Promise<void> {
		if (by === null) {
			this.#options.enqueue({ type: 'dry-run-cancel', key });
			return;
		}
		try {
			await takeBackDryRun(this.#ports.streams, by, nonce);
		} catch (error) {
			if (!isPosterError(error)) throw error;
			this.#ports.log.warn({ error, code: error.code, peer: by }, 'a dry run goes on until its time is over');
		}
	}

	async #refresh(run: Run, view: View): Promise<void> {
		const nameOf = namesIn(view);
		const results = new Map(this.#options.results().map((stored) => [stored.item.id, stored]));
		const partitions: ComputePartition[] = [];
		for (const item of view.items) {
			const row = claimRow(item, view.epochMs, nameOf);
			const stored = results.get(item.work);
			const result = stored?.result;
			run.challenge ??= stored?.item ?? null;
			const prover = item.result?.prover;
			if (prover !== undefined && prover !== view.self) await this.#learnTimes(run, item.work, prover);
			partitions.push({
				partition: row.partition,
				sectors: row.sectors,
				phase: row.phase,
				holder: row.result?.prover ?? row.holders[0]?.name ?? null,
				permille: result === undefined ? (row.holders[0]?.permille ?? 0) : 1000,
				stepMs: run.told.get(item.work) ?? this.#options.times.get(item.work),
				skipped: result === undefined ? [] : [...result.skipped],
				proof: result === undefined ? null : Buffer.from(result.proof).toString('base64'),
				error: null,
			});
		}
		run.partitions = partitions;
	}

	/** The prover of the result, another node, has the times of all steps. */
	async #learnTimes({ told }: Run, work: WorkId, prover: NodeId): Promise<void> {
		if (told.has(work)) return;
		told.set(work, await askStepTimes(this.#ports.streams, prover, work));
	}

	/** Said here already, since a node without a chain would only hear that nobody follows the miner. */
	#miner({ miner: wanted }: ComputeRequest): ActorId {
		const known = this.#options.roster().miners.map(({ miner }) => miner);
		const names = known.map(minerAddress).join(', ');
		if (wanted !== undefined) {
			if (known.includes(wanted)) return wanted;
			throw new PosterError('compute-unknown-miner', `the roster has no miner ${minerAddress(wanted)}`, {
				advice: `Its miners are: ${names}`,
				meta: { miner: wanted },
			});
		}
		const only = known[0];
		if (only !== undefined && known.length === 1) return only;
		throw new PosterError('compute-which-miner', `the roster has ${known.length} miners`, {
			advice: `Name one with --miner: ${names}`,
		});
	}

	/** The oldest run that is over is forgotten. */
	#makeRoom(): void {
		if (this.#runs.size < limits.computeRuns) return;
		const over = [...this.#runs.values()].find(({ state }) => state !== 'running');
		if (over === undefined) {
			throw new PosterError('compute-too-many', `${this.#runs.size} runs are going on already`, {
				advice: 'Wait until one of them is over.',
			});
		}
		this.#runs.delete(over.id);
	}
}

function isWanted({ request }: Run, item: WorkItem): boolean {
	return request.partition === undefined || request.partition === item.partition;
}

function fail(run: Run, error: string): void {
	run.state = 'failed';
	run.error = error;
}

function isComplete({ request }: Run, { proof, phase }: ComputePartition): boolean {
	return request.submit ? SENT.includes(phase) : proof !== null;
}
