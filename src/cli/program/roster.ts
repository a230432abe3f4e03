/** Commands on the roster: who belongs to the mesh, and which miners it proves for. */
import { Argument, type Command, Option } from 'commander';
import { ROLES } from '../../domain/roster.ts';
import {
	count,
	homeOption,
	jsonOption,
	minerId,
	minerList,
	nameText,
	pathText,
	roleList,
	senderAddress,
	texts,
} from '../options.ts';

/** What the roster says of a member, for `add` and `set`. */
const peer = {
	name: () => new Option('--name <name>', 'unique name').argParser(nameText),
	site: () => new Option('--site <name>', 'where it stands').argParser(nameText),
	weight: () => new Option('--weight <1..64>', 'its share of the work').argParser(count(1, 64)),
	slots: () => new Option('--slots <0..64>', 'most proofs it may work on at a time').argParser(count(0, 64)),
	roles: () => new Option('--roles <list>', ROLES.join(',')).argParser(roleList),
	miners: () => new Option('--miners <list>', 'miners it works for, or all').argParser(minerList),
};

export function addRosterCommands(root: Command): void {
	const roster = root.command('roster').description('who belongs to the mesh (changes need the operator key)');
	roster
		.command('show')
		.description('print the newest roster known here')
		.addOption(homeOption())
		.addOption(jsonOption())
		.action(async (options) => (await import('../commands/roster.ts')).rosterShow(options));
	roster
		.command('add')
		.description('admit a machine')
		.addOption(homeOption())
		.requiredOption('--id <peer id>', 'printed by `poster-node init --join`')
		.addOption(peer.name().makeOptionMandatory())
		.addOption(peer.site().default('main'))
		.addOption(peer.weight().default(1))
		.addOption(peer.slots().default(1))
		.addOption(peer.roles().makeOptionMandatory())
		.addOption(peer.miners().default([], 'all'))
		.addOption(jsonOption())
		.action(async (options) => (await import('../commands/roster.ts')).rosterAdd(options));
	roster
		.command('set <peer>')
		.description('change a member, by name or peer id: what is not given stays, and so does its connection')
		.addOption(homeOption())
		.addOption(peer.name())
		.addOption(peer.site())
		.addOption(peer.weight())
		.addOption(peer.slots())
		.addOption(peer.roles())
		.addOption(peer.miners())
		.addOption(jsonOption())
		.action(async (idOrName, options) => (await import('../commands/roster.ts')).rosterSet(options, idOrName));
	roster
		.command('remove <peer>')
		.description('expel a machine by name or peer id')
		.addOption(homeOption())
		.addOption(jsonOption())
		.action(async (peer, options) => (await import('../commands/roster.ts')).rosterRemove(options, peer));
	addRosterMinerCommands(roster.command('miner').description('which miners the mesh proves for'));
	roster
		.command('network')
		.description('take the mesh to a chain of another name, e.g. after a wrong --network; every node starts again')
		.addArgument(new Argument('<name>', 'as StateNetworkName says').argParser(nameText))
		.addOption(homeOption())
		.addOption(jsonOption())
		.action(async (name, options) => (await import('../commands/roster.ts')).rosterNetwork(options, name));
	roster
		.command('invite')
		.description('write the file with which a new machine joins')
		.addOption(homeOption())
		.requiredOption('--out <file>', 'where to write it (mode 0600: it holds the mesh key)', pathText)
		.option('--address <multiaddr>', "where the mesh is reached (default: the running node's addresses)", texts)
		.addOption(jsonOption())
		.action(async (options) => (await import('../commands/roster.ts')).rosterInvite(options));
}

function addRosterMinerCommands(miner: Command): void {
	const idArgument = (): Argument => new Argument('<id>', 'e.g. f01000').argParser(minerId);
	const senderOf = 'f1 or f3 address that sends its proofs, used by this mesh alone';
	miner
		.command('add')
		.description('prove for one more miner')
		.addArgument(idArgument())
		.addOption(homeOption())
		.requiredOption('--sender <address>', senderOf, senderAddress)
		.addOption(jsonOption())
		.action(async (id, options) => (await import('../commands/roster.ts')).rosterMinerAdd(options, id));
	miner
		.command('sender')
		.description('let another address send for a miner')
		.addArgument(idArgument())
		.addArgument(new Argument('<address>', senderOf).argParser(senderAddress))
		.addOption(homeOption())
		.addOption(jsonOption())
		.action(async (id, address, options) =>
			(await import('../commands/roster.ts')).rosterMinerSender(options, id, address),
		);
	miner
		.command('remove')
		.description('prove for a miner no more')
		.addArgument(idArgument())
		.addOption(homeOption())
		.addOption(jsonOption())
		.action(async (id, options) => (await import('../commands/roster.ts')).rosterMinerRemove(options, id));
}
