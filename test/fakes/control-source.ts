/** A node behind the control API without a mesh: shows the view it is given and remembers what it was asked. */
import type { Ed25519Identity } from '../../src/adapters/identity/ed25519.ts';
import type { ItemFilter, View } from '../../src/core/api.ts';
import { PosterError } from '../../src/domain/errors.ts';
import type { NodeId } from '../../src/domain/ids.ts';
import type { WinningChallenge } from '../../src/domain/winning.ts';
import type {
	ComputeRequest,
	ComputeState,
	ControlEvent,
	ControlSource,
	NodeFacts,
	StepMs,
} from '../../src/node/control-api.ts';
import type { PeerFile } from '../../src/node/params-exchange.ts';
import { type SignedRoster, supersedes, verifyRoster } from '../../src/node/roster-file.ts';
import type { WinningProof } from '../../src/node/winning/winning-requests.ts';
import type { Ban } from '../../src/ports/mesh.ts';
import { viewOf } from '../support/views.ts';

const CHUNK = 65_000;

export class FakeControlSource implements ControlSource {
	readonly asked: ComputeRequest[] = [];
	readonly cancelled: string[] = [];
	/** How many items each view had. */
	readonly shown: number[] = [];
	readonly runs = new Map<string, ComputeState>();
	/** Winning PoSt that was asked for. */
	readonly blocks: WinningChallenge[] = [];
	stops = 0;
	banned: readonly Ban[] = [];
	/** Parameter files of every member, and where a transfer of them breaks. */
	readonly files = new Map<string, Buffer>();
	breaksAt = Number.POSITIVE_INFINITY;
	readonly #listeners = new Set<(event: ControlEvent) => void>();
	readonly #operator: Ed25519Identity;
	readonly #view: View;
	#roster: SignedRoster;

	constructor(view: View, roster: SignedRoster, operator: Ed25519Identity) {
		this.#view = view;
		this.#roster = roster;
		this.#operator = operator;
	}

	get listeners(): number {
		return this.#listeners.size;
	}

	emit(type: string, facts: ControlEvent['facts']): void {
		for (const listener of this.#listeners) listener({ wallMs: 0, type, facts });
	}

	view(shows: ItemFilter): View {
		const view = viewOf(this.#view)(shows);
		this.shown.push(view.items.length);
		return view;
	}

	facts(): NodeFacts {
		return {
			version: '0.0.0',
			pid: process.pid,
			name: 'prover-1',
			roles: ['prover'],
			addresses: ['/ip4/127.0.0.1/tcp/4101/p2p/12D3KooWBXvQwoQpTCQoSU6VVCpJBZjoxVqPmwwNMjFi2GuFNqn8'],
			startedWallMs: 0,
			chain: 'none',
			loopDelayP99Ms: 1,
			proofTimes: [],
			storeStalledMs: 0,
		};
	}

	roster(): SignedRoster {
		return this.#roster;
	}

	async setRoster(bytes: Uint8Array): Promise<SignedRoster> {
		const next = verifyRoster(bytes, this.#operator.id, this.#operator, 'the body');
		if (!supersedes(next, this.#roster)) throw new PosterError('roster-older', 'a newer roster is known');
		this.#roster = next;
		return next;
	}

	async params(_peer: NodeId, name: string, offset: number): Promise<PeerFile | undefined> {
		const bytes = this.files.get(name);
		if (bytes === undefined) return undefined;
		const breaks = this.breaksAt;
		const chunks = async function* (): AsyncGenerator<Uint8Array> {
			for (let at = offset; at < bytes.length; at += CHUNK) {
				if (at >= breaks) throw new PosterError('stream-reset', 'the member is gone');
				yield bytes.subarray(at, at + CHUNK);
			}
		};
		return { total: bytes.length, chunks: chunks() };
	}

	async metrics(): Promise<string> {
		return 'poster_x 1\n';
	}

	times(): Readonly<Record<string, StepMs>> {
		return {};
	}

	debugMesh(): unknown {
		return { connections: [] };
	}

	bans(): readonly Ban[] {
		return this.banned;
	}

	pardon(peer: NodeId): boolean {
		const before = this.banned.length;
		this.banned = this.banned.filter((ban) => ban.peer !== peer);
		return this.banned.length < before;
	}

	async compute(request: ComputeRequest): Promise<string> {
		if (request.deadline >= 48)
			throw new PosterError('compute-deadline', 'deadlines are 0 to 47', { advice: 'Take one.' });
		this.asked.push(request);
		return 'run-1';
	}

	computeState(id: string): ComputeState | undefined {
		return this.runs.get(id);
	}

	cancelCompute(id: string): boolean {
		this.cancelled.push(id);
		return this.runs.has(id);
	}

	async winningPost(challenge: WinningChallenge): Promise<WinningProof> {
		if (challenge.miner !== 1000) throw new PosterError('winning-off', 'off', { advice: 'Switch it on.' });
		this.blocks.push(challenge);
		return { proof: new Uint8Array(192).fill(7), prover: this.#view.self, ms: 5 };
	}

	subscribe(listener: (event: ControlEvent) => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	stop(): void {
		this.stops++;
	}
}
