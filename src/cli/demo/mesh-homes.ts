/** Makes the homes of a mesh on one machine, through the same functions as `init` and `roster`. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Ed25519Identity } from '../../adapters/identity/ed25519.ts';
import type { ActorId } from '../../domain/ids.ts';
import { ROLES, type Role, type RosterMiner, type RosterPeer } from '../../domain/roster.ts';
import { writeFileAtomic } from '../../node/files.ts';
import { createHome, type Home } from '../../node/home.ts';
import { withPeer } from '../../node/roster-changes.ts';
import { type SignedRoster, saveRoster, signRoster } from '../../node/roster-file.ts';
import { type ConfigChanges, type ExampleName, exampleConfig } from './example-config.ts';

export interface MemberPlan {
	readonly name: string;
	readonly example: ExampleName;
	readonly roles: readonly Role[];
	/** Most proofs at a time, by the roster. Default 0. */
	readonly slots?: number;
	/** Default: all miners. */
	readonly miners?: readonly ActorId[];
	readonly config?: ConfigChanges;
}

export interface MeshPlan {
	/** Folder for the homes. */
	readonly root: string;
	readonly network: string;
	readonly miners: readonly RosterMiner[];
	readonly members: readonly MemberPlan[];
	/** For every member's config, before its own changes. */
	readonly config: ConfigChanges;
}

/** Homes by name of the member; the first one's holds the operator key. */
export async function makeMeshHomes(plan: MeshPlan): Promise<ReadonlyMap<string, Home>> {
	const operator = Ed25519Identity.generate();
	const meshKey = randomBytes(MESH_KEY_BYTES);
	const homes = new Map<string, Home>();
	await mkdir(plan.root, { recursive: true });
	for (const { name } of plan.members) {
		const identity = Ed25519Identity.generate();
		const keys = { identity, meshKey, operator: homes.size === 0 ? { key: operator } : { id: operator.id } };
		homes.set(name, await createHome(join(plan.root, name), keys));
	}
	const roster = meshRoster(plan, homes, operator);
	for (const member of plan.members) {
		const home = homeOf(homes, member.name);
		await saveRoster(home, roster);
		await writeConfig(home, plan, member);
	}
	return homes;
}

const MESH_KEY_BYTES = 32;

function meshRoster(
	{ network, miners, members }: MeshPlan,
	homes: ReadonlyMap<string, Home>,
	operator: Ed25519Identity,
): SignedRoster {
	const [first, ...others] = members.map((member) => peerOf(member, homeOf(homes, member.name).identity.id));
	const founded = { network, version: 1, miners, peers: [first as RosterPeer] };
	return signRoster(others.reduce(withPeer, founded), operator);
}

function peerOf({ name, roles, slots = 0, miners = [] }: MemberPlan, id: RosterPeer['id']): RosterPeer {
	const ordered = ROLES.filter((role) => roles.includes(role));
	return { id, name, site: 'demo', weight: 1, slots, roles: ordered, miners };
}

function homeOf(homes: ReadonlyMap<string, Home>, name: string): Home {
	const home = homes.get(name);
	if (home === undefined) throw new Error(`no member ${name}`);
	return home;
}

async function writeConfig(home: Home, plan: MeshPlan, { example, config = {} }: MemberPlan): Promise<void> {
	await writeFileAtomic(home.paths.config, await exampleConfig(example, plan.config, config), 0o644);
}
