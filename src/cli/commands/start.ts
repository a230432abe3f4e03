/** `start`: runs the node of a home until it is told to end. */
import '../../node/young-generation.ts';
import { isPosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import { readAddresses } from '../../node/address-file.ts';
import { checkNetwork, loadConfig } from '../../node/config.ts';
import { openHome } from '../../node/home.ts';
import { loadRoster, ownEntry } from '../../node/roster-file.ts';
import type { StartOptions } from '../../node/start-options.ts';
import { programVersion } from '../../node/version.ts';
import { checkDialable } from '../dialable.ts';
import { untilEnd } from '../end-signals.ts';
import { printJson, printRemark, printText } from '../output.ts';

export interface StartCommandOptions {
	readonly home: string;
	readonly config?: string;
	readonly bootstrap?: readonly string[];
	readonly json?: boolean;
}

export async function start(options: StartCommandOptions): Promise<void> {
	await untilEnd((signal) => run(options, signal));
}

async function run(options: StartCommandOptions, signal: AbortSignal): Promise<void> {
	const prepared = await prepare(options, signal);
	const { startNode } = await import('../../node/compose.ts');
	const node = await startNode(prepared);
	const { id } = prepared.home.identity;
	if (options.json) printJson({ event: 'started', id, addresses: node.addresses, control: node.controlUrl });
	else printText([`Node ${id} runs.`, ...node.addresses.map((address) => `  ${address}`)].join('\n'));
	await node.ended;
}

async function prepare(options: StartCommandOptions, signal: AbortSignal): Promise<StartOptions> {
	for (const address of options.bootstrap ?? []) checkDialable(address, '--bootstrap');
	const home = await openHome(options.home);
	const config = await loadConfig(options.config ?? home.paths.config);
	const roster = await loadRoster(home);
	checkNetwork(config, roster.roster.network);
	try {
		ownEntry(roster.roster, home.identity.id);
	} catch (error) {
		if (!isPosterError(error, 'not-in-roster')) throw error;
		// A node that was invited a moment ago: members that know the newer roster let it in and hand it over.
		printRemark(`${error.message}.\n  ${error.advice}\n  Waiting for a roster that names it.`);
	}
	const invited = await readAddresses(home.paths.addresses, limits.inviteBytes);
	const bootstrap = [...(options.bootstrap ?? []), ...config.network.bootstrap, ...invited];
	return { home, config, roster, bootstrap: [...new Set(bootstrap)], version: programVersion(), signal };
}
