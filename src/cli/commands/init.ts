/** `init`: makes the home of a mesh's first node and operator, or of a node that was invited. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { Ed25519Identity } from '../../adapters/identity/ed25519.ts';
import { minerAddress } from '../../codec/address.ts';
import type { ActorId } from '../../domain/ids.ts';
import { limits } from '../../domain/limits.ts';
import { ROLES, type Roster } from '../../domain/roster.ts';
import { commentedConfig } from '../../node/config-text.ts';
import { readSmallFile, writeFileAtomic } from '../../node/files.ts';
import { createHome, type Home } from '../../node/home.ts';
import { readInvite } from '../../node/invite.ts';
import { saveRoster, signRoster } from '../../node/roster-file.ts';
import { usageError } from '../exit.ts';
import { printJson, printText } from '../output.ts';

export interface InitOptions {
	readonly home: string;
	readonly name?: string;
	readonly site: string;
	readonly network: string;
	readonly miner?: readonly ActorId[];
	readonly sender?: readonly string[];
	readonly join?: string;
	readonly json?: boolean;
}

const MESH_KEY_BYTES = 32;
const FIRST_SLOTS = 64;

export async function init(options: InitOptions): Promise<void> {
	return options.join === undefined ? found(options) : join(options, options.join);
}

async function found(options: InitOptions): Promise<void> {
	const miners = minersOf(options);
	const identity = Ed25519Identity.generate();
	const operator = Ed25519Identity.generate();
	const name = options.name ?? hostName();
	const self = { id: identity.id, name, site: options.site, weight: 1, slots: FIRST_SLOTS, roles: ROLES, miners: [] };
	const roster: Roster = { network: options.network, version: 1, miners, peers: [self] };
	// Signed before anything is written: a roster that breaks a rule must leave no half-made home behind.
	const signed = signRoster(roster, operator);
	const home = await createHome(options.home, {
		identity,
		meshKey: randomBytes(MESH_KEY_BYTES),
		operator: { key: operator },
	});
	await saveRoster(home, signed);
	await writeConfig(home);
	const { root, config } = home.paths;
	if (options.json) return printJson({ home: root, id: identity.id, operator: operator.id, name, rosterVersion: 1 });
	printText(`Made the home ${root} of ${name} (${identity.id}), first node of a mesh on ${options.network}.`);
	printText(`Next: say in ${config} what this machine has (full node, sectors, provers), then run: poster-node start`);
	printText(`Keep ${home.paths.operatorKey} safe and backed up: whoever has it decides who belongs to the mesh.`);
}

async function join(options: InitOptions, file: string): Promise<void> {
	const invite = await readInvite(file);
	const identity = Ed25519Identity.generate();
	const keys = { identity, meshKey: invite.meshKey, operator: { id: invite.operator } };
	const home = await createHome(options.home, keys);
	await saveRoster(home, invite.roster);
	await writeFileAtomic(home.paths.addresses, `${invite.addresses.join('\n')}\n`, 0o644);
	await writeConfig(home);
	const name = options.name ?? hostName();
	const command = `poster-node roster add --id ${identity.id} --name ${name} --site ${options.site} --roles prover --slots 1`;
	const { root } = home.paths;
	if (options.json) return printJson({ home: root, id: identity.id, operator: invite.operator, rosterAdd: command });
	printText(`Made the home ${root} of a node that joins the mesh on ${invite.roster.roster.network}.`);
	printText(`Its peer id is ${identity.id}.`);
	printText(`\nOn the operator's machine run (with the roles that this machine has the means for):\n\n  ${command}\n`);
	printText(`Then here: poster-node start. It takes part as soon as the roster names it.`);
}

/** A config that somebody put there before is kept. */
async function writeConfig(home: Home): Promise<void> {
	const { config } = home.paths;
	if ((await readSmallFile(config, limits.configFileBytes)) === undefined) {
		await writeFileAtomic(config, commentedConfig({}), 0o644);
	}
}

function minersOf({ miner = [], sender = [] }: InitOptions): Roster['miners'] {
	if (miner.length === 0 || miner.length !== sender.length) {
		throw usageError(
			`each --miner needs its --sender, and there must be one (given: ${miner.length} and ${sender.length})`,
			'Example: poster-node init --miner f01000 --sender f3… (the address that sends its proofs, used by this mesh alone)',
		);
	}
	const twice = miner.find((id, i) => miner.indexOf(id) !== i);
	if (twice !== undefined) throw usageError(`--miner ${minerAddress(twice)} is given twice`, 'A miner has one sender.');
	const shared = sender.find((address, i) => sender.indexOf(address) !== i);
	if (shared !== undefined) {
		throw usageError(
			`--sender ${shared} is given twice`,
			'Make another address, and have the other miner name it as a control address: each miner needs its own.',
		);
	}
	const miners = miner.map((id, i) => ({ miner: id, sender: sender[i] as string }));
	return miners.sort((a, b) => a.miner - b.miner);
}

/** The machine's name in the letters of a roster name. */
function hostName(): string {
	const text = hostname().replace(/[^A-Za-z0-9._-]/g, '-');
	return /^[A-Za-z0-9]/.test(text) ? text.slice(0, 63) : 'node';
}
