/**
 * `roster`: who belongs to the mesh. Every change starts from the newest version known here: that of the running node,
 * which has heard the others, or else the file. Starting from an older one would silently undo what came between.
 */
import { minerAddress } from '../../codec/address.ts';
import { PosterError } from '../../domain/errors.ts';
import { type ActorId, nodeId } from '../../domain/ids.ts';
import type { Role, Roster } from '../../domain/roster.ts';
import type { StatusReport } from '../../node/control-api.ts';
import { type Home, openHome, readOperatorKey } from '../../node/home.ts';
import { writeInvite } from '../../node/invite.ts';
import {
	type PeerChange,
	withChangedPeer,
	withMiner,
	withNetwork,
	withoutMiner,
	withoutPeer,
	withPeer,
	withSender,
} from '../../node/roster-changes.ts';
import {
	loadRoster,
	type SignedRoster,
	saveRoster,
	signRoster,
	supersedes,
	verifyRoster,
} from '../../node/roster-file.ts';
import { type ControlClient, findControl } from '../control-client.ts';
import { checkDialable } from '../dialable.ts';
import { printJson, printText } from '../output.ts';
import { renderRoster } from '../render/roster.ts';

interface Common {
	readonly home: string;
	readonly json?: boolean;
}

export interface RosterAddOptions extends Common {
	readonly id: string;
	readonly name: string;
	readonly site: string;
	readonly weight: number;
	readonly slots: number;
	readonly roles: readonly Role[];
	readonly miners: readonly ActorId[];
}

interface Known {
	readonly home: Home;
	readonly newest: SignedRoster;
	/** The running node, if there is one. */
	readonly node: ControlClient | undefined;
}

export async function rosterShow(options: Common): Promise<void> {
	const { newest } = await known(options.home);
	if (options.json) printJson({ ...newest.roster, hash: newest.hash });
	else printText(renderRoster(newest.roster));
}

export async function rosterAdd(options: RosterAddOptions): Promise<void> {
	const { id, name, site, weight, slots, roles, miners } = options;
	const peer = { id: nodeId(id), name, site, weight, slots, roles, miners };
	await change(options, (roster) => withPeer(roster, peer), `added ${name} (${id})`);
}

export async function rosterSet(options: Common & PeerChange, idOrName: string): Promise<void> {
	const { home: _, json: __, ...peerChange } = options;
	const names = Object.keys(peerChange);
	if (names.length === 0) {
		throw new PosterError('usage', 'nothing is named that is to change', {
			advice: `Example: poster-node roster set ${idOrName} --slots 2`,
		});
	}
	await change(
		options,
		(roster) => withChangedPeer(roster, idOrName, peerChange),
		`changed ${names.join(', ')} of ${idOrName}`,
	);
}

export async function rosterRemove(options: Common, idOrName: string): Promise<void> {
	await change(options, (roster) => withoutPeer(roster, idOrName), `removed ${idOrName}`);
}

export async function rosterMinerAdd(options: Common & { readonly sender: string }, miner: ActorId): Promise<void> {
	const { sender } = options;
	const what = `added ${minerAddress(miner)}, which sends from ${sender}`;
	await change(options, (roster) => withMiner(roster, { miner, sender }), what);
}

export async function rosterMinerSender(options: Common, miner: ActorId, sender: string): Promise<void> {
	const what = `${minerAddress(miner)} sends from ${sender}`;
	await change(options, (roster) => withSender(roster, { miner, sender }), what);
}

export async function rosterMinerRemove(options: Common, miner: ActorId): Promise<void> {
	await change(options, (roster) => withoutMiner(roster, miner), `removed ${minerAddress(miner)}`);
}

export async function rosterNetwork(options: Common, network: string): Promise<void> {
	await change(
		options,
		(roster) => withNetwork(roster, network),
		`the mesh is on ${network}; nodes end and start again`,
	);
}

export async function rosterInvite(
	options: Common & { readonly out: string; readonly address?: readonly string[] },
): Promise<void> {
	for (const address of options.address ?? []) checkDialable(address, '--address');
	const { home, newest, node } = await known(options.home);
	const own = node === undefined ? [] : (await node.get<StatusReport>('/status')).addresses;
	const addresses = [...(options.address ?? []), ...own];
	if (addresses.length === 0) {
		throw new PosterError('usage', 'the invitation needs an address at which the mesh is reached', {
			advice: 'Start the node first, or give --address /ip4/…/tcp/…/p2p/<peer id>.',
		});
	}
	await writeInvite(options.out, home, newest, addresses);
	if (options.json) return printJson({ file: options.out, rosterVersion: newest.roster.version, addresses });
	printText(`Wrote ${options.out}. It holds the mesh key: move it over a safe way and delete it after use.`);
	printText(`On the new machine: poster-node init --join ${options.out}`);
}

async function change(options: Common, evolve: (roster: Roster) => Roster, what: string): Promise<void> {
	const { home, newest, node } = await known(options.home);
	const operator = await readOperatorKey(home.paths);
	const next = signRoster(evolve(newest.roster), operator);
	// The node refuses what is not newer, so it goes first: the file must not get ahead of a mesh that moved on.
	if (node !== undefined) await node.post('/roster', next.bytes);
	await saveRoster(home, next);
	const { version } = next.roster;
	if (options.json) return printJson({ version, hash: next.hash, spread: node !== undefined });
	printText(`Roster version ${version}: ${what}.`);
	printText(
		node === undefined
			? 'No node runs on this home: the others learn of it when one starts.'
			: 'The running node spreads it.',
	);
}

async function known(root: string): Promise<Known> {
	const home = await openHome(root);
	const file = await loadRoster(home);
	const node = await findControl(root);
	if (node === undefined) return { home, newest: file, node };
	const answer = await node.get<{ file: string }>('/roster');
	const live = verifyRoster(Buffer.from(answer.file, 'base64'), home.operatorId, home.identity, 'the running node');
	return { home, newest: supersedes(file, live) ? file : live, node };
}
