/** What a node is started with and what its starter gets: the contract between the `start` command and the composed node. */
import type { Config } from './config.ts';
import type { Home } from './home.ts';
import type { SignedRoster } from './roster-file.ts';

export interface StartOptions {
	readonly home: Home;
	readonly config: Config;
	/** The roster of the home's file; the store may know a newer one. */
	readonly roster: SignedRoster;
	/** Multiaddrs to dial first: command line, config and invitation together. */
	readonly bootstrap: readonly string[];
	/** Program version, for records and logs. */
	readonly version: string;
	/** Begins an orderly end: leases released, what is in flight written. A start that is under way rejects its reason. */
	readonly signal: AbortSignal;
}

export interface RunningNode {
	/** Multiaddrs with peer id that others can dial. */
	readonly addresses: readonly string[];
	readonly controlUrl: string;
	/** Resolves when the node has ended in order (told by the control API or the signal); rejects when it could not go on. */
	readonly ended: Promise<void>;
}
