/** Homes of strangers: all that an invitation gives, and an identity that the roster does not name. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Ed25519Identity } from '../../src/adapters/identity/ed25519.ts';
import { exampleConfig } from '../../src/cli/demo/example-config.ts';
import type { MeshPlan } from '../../src/cli/demo/mesh-homes.ts';
import { writeFileAtomic } from '../../src/node/files.ts';
import { createHome, type Home, readOperatorKey } from '../../src/node/home.ts';
import { loadRoster, saveRoster, signRoster } from '../../src/node/roster-file.ts';

/** Its roster is the first version, which the operator signed for itself alone. */
export async function makeStrangerHome(
	plan: MeshPlan,
	operatorHome: Home,
	name: string,
	meshKey: Uint8Array = operatorHome.meshKey,
): Promise<Home> {
	const keys = { identity: Ed25519Identity.generate(), meshKey, operator: { id: operatorHome.operatorId } };
	const home = await createHome(join(plan.root, name), keys);
	const { roster } = await loadRoster(operatorHome);
	const founder = roster.peers.find(({ id }) => id === operatorHome.identity.id);
	assert.ok(founder);
	const first = { ...roster, version: 1, peers: [founder] };
	await saveRoster(home, signRoster(first, await readOperatorKey(operatorHome.paths)));
	await writeFileAtomic(home.paths.config, await exampleConfig('bootstrap', plan.config), 0o644);
	return home;
}
