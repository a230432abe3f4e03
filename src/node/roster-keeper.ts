/** The newest roster this node knows: a better one is checked, stored, and only then followed. */
import type { EventOf } from '../core/api.ts';
import { isPosterError, PosterError } from '../domain/errors.ts';
import type { NodeId } from '../domain/ids.ts';
import type { Roster } from '../domain/roster.ts';
import type { Log } from '../ports/log.ts';
import type { Mesh } from '../ports/mesh.ts';
import type { Home } from './home.ts';
import { type SignedRoster, saveRoster, supersedes, verifyRoster } from './roster-file.ts';

export interface RosterKeeperOptions {
	readonly home: Home;
	readonly mesh: Mesh;
	readonly log: Log;
	readonly enqueue: (event: EventOf<'roster'>) => void;
	/** Everything that goes by membership, e.g. the gate for statements. */
	readonly changed: (roster: Roster) => void;
	/** The mesh is on another chain now: this node must end, and begin anew with the roster that lies in its home. */
	readonly moved: (reason: PosterError) => void;
}

export class RosterKeeper {
	readonly #options: RosterKeeperOptions;
	#current: SignedRoster;
	/** Offers are taken one after another: two files at once must not end with the older one on disk. */
	#last: Promise<unknown> = Promise.resolve();

	constructor(options: RosterKeeperOptions, current: SignedRoster) {
		this.#options = options;
		this.#current = current;
	}

	get current(): SignedRoster {
		return this.#current;
	}

	/** From a peer: a file that does not hold is logged, one that is not newer ignored. */
	async offer(bytes: Uint8Array): Promise<void> {
		try {
			await this.accept(bytes);
		} catch (error) {
			if (!isPosterError(error)) throw error;
			this.#options.log.warn({ code: error.code, error }, 'a roster from the mesh was refused');
		}
	}

	/** Rejects `roster-bad`, `roster-signature`, `file-io`. Answers with the roster that is followed afterwards. */
	accept(bytes: Uint8Array): Promise<SignedRoster> {
		const accepted = this.#last.then(() => this.#accept(bytes));
		this.#last = accepted.catch(() => undefined);
		return accepted;
	}

	async #accept(bytes: Uint8Array): Promise<SignedRoster> {
		const { home, log, enqueue, moved } = this.#options;
		const candidate = verifyRoster(bytes, home.operatorId, home.identity, 'a roster that was offered');
		const before = this.#current.roster.network;
		if (!supersedes(candidate, this.#current)) return this.#current;
		await saveRoster(home, candidate);
		this.#current = candidate;
		if (candidate.roster.network !== before) {
			moved(movedError(before, candidate.roster));
			return candidate;
		}
		log.info({ version: candidate.roster.version, peers: candidate.roster.peers.length }, 'new roster');
		this.apply();
		enqueue({ type: 'roster', roster: candidate.roster, hash: candidate.hash });
		return candidate;
	}

	/** Makes the network follow the current roster. */
	apply(): void {
		const { roster } = this.#current;
		const self: NodeId = this.#options.home.identity.id;
		const others = roster.peers.filter(({ id }) => id !== self);
		this.#options.mesh.setMembers(others.map(({ id }) => ({ id, addresses: [] })));
		this.#options.changed(roster);
	}
}

function movedError(before: string, { version, network }: Roster): PosterError {
	return new PosterError(
		'network-changed',
		`the mesh went from ${before} to ${network} with roster version ${version}`,
		{
			advice: 'Start this node again: its home has the new roster. A supervisor that restarts failed programs does so.',
			meta: { before, network, version },
		},
	);
}
