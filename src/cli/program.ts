/** The command line: what can be asked, and with which options. Each command's code is loaded when it is asked for. */
import { Argument, Command, Option } from 'commander';
import { limits } from '../domain/limits.ts';
import { SECTOR_SIZES } from '../domain/parameters.ts';
import { ROLES } from '../domain/roster.ts';
import { programVersion } from '../node/version.ts';
import { VICTIM_KINDS } from './demo/victim-kinds.ts';
import {
	count,
	homeOption,
	jsonOption,
	kindOption,
	minerId,
	minerIds,
	minerList,
	nameText,
	pathText,
	roleList,
	sectorSizes,
	senderAddress,
	senders,
	texts,
} from './options.ts';
import { printJson, printText } from './output.ts';

const MAX_INDEX = 0xffff;

/** Everything that can be asked; parsing rejects with `CommanderError`. */
export function program(): Command {
	const root = new Command('poster-node')
		.description('A mesh of nodes that proves Filecoin storage without a central scheduler.')
		.option('--verbose', 'show stacks and causes of errors')
		.addHelpText('after', EXIT_HELP)
		.showHelpAfterError(`(${HELP_ADVICE})`)
		// Before the commands, which copy it. A program that reads JSON gets its error from `main`.
		.configureOutput({ writeErr: (text) => void (wantsJson() || process.stderr.write(text)) })
		.exitOverride();
	addHomeCommands(root);
	addRosterCommands(root);
	addNodeCommands(root);
	addParamsCommands(root);
	addBenchCommands(root);
	addDevnetCommands(root);
	root
		.command('winning-prover')
		.description(
			'make winning PoSt through the mesh, as the ext-prover of a Damocles miner (lines on stdin and stdout)',
		)
		.addOption(homeOption())
		.action(async (options) => (await import('./commands/winning-prover.ts')).winningProver(options));
	root
		.command('version')
		.description('print the version')
		.addOption(jsonOption())
		.action(({ json }) => (json ? printJson({ version: programVersion() }) : printText(programVersion())));
	return root;
}

export const HELP_ADVICE = 'add --help for the options';
const EXIT_HELP = `
Exit codes: 0 done, 1 failed, 2 wrong command line, 3 config, home, key or store not usable, 4 no node runs on this home,
5 refused (token, signature, permission, membership).`;

function addHomeCommands(root: Command): void {
	root
		.command('init')
		.description('make the home of a new mesh, or join one with an invitation')
		.addOption(homeOption())
		.option('--name <name>', 'name of this machine in the roster (default: its host name)', nameText)
		.option('--site <name>', 'where it stands', nameText, 'main')
		.option(
			'--network <name>',
			'network of the chain, as StateNetworkName says (mainnet calls itself testnetnet)',
			nameText,
			'testnetnet',
		)
		.option('--miner <id>', 'miner to prove for, e.g. f01000 (repeat for more)', minerIds)
		.option('--sender <address>', 'f1 or f3 address that sends its proofs (one per --miner)', senders)
		.addOption(
			new Option('--join <file>', 'invitation of an existing mesh').argParser(pathText).conflicts(['miner', 'sender']),
		)
		.addOption(jsonOption())
		.action(async (options) => (await import('./commands/init.ts')).init(options));
	root
		.command('start')
		.description('run the node of a home')
		.addOption(homeOption())
		.option('--config <file>', 'config file (default: config.toml in the home)', pathText)
		.option('--bootstrap <multiaddr>', 'node to dial first (repeat for more)', texts)
		.addOption(jsonOption())
		.action(async (options) => (await import('./commands/start.ts')).start(options));
}

/** What the roster says of a member, for `add` and `set`. */
const peer = {
	name: () => new Option('--name <name>', 'unique name').argParser(nameText),
	site: () => new Option('--site <name>', 'where it stands').argParser(nameText),
	weight: () => new Option('--weight <1..64>', 'its share of the work').argParser(count(1, 64)),
	slots: () => new Option('--slots <0..64>', 'most proofs it may work on at a time').argParser(count(0, 64)),
	roles: () => new Option('--roles <list>', ROLES.join(',')).argParser(roleList),
	miners: () => new Option('--miners <list>', 'miners it works for, or all').argParser(minerList),
};

function addRosterCommands(root: Command): void {
	const roster = root.command('roster').description('who belongs to the mesh (changes need the operator key)');
	roster
		.command('show')
		.description('print the newest roster known here')
		.addOption(homeOption())
		.addOption(jsonOption())
		.action(async (options) => (await import('./commands/roster.ts')).rosterShow(options));
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
		.action(async (options) => (await import('./commands/roster.ts')).rosterAdd(options));
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
		.action(async (idOrName, options) => (await import('./commands/roster.ts')).rosterSet(options, idOrName));
	roster
		.command('remove <peer>')
		.description('expel a machine by name or peer id')
		.addOption(homeOption())
		.addOption(jsonOption())
		.action(async (peer, options) => (await import('./commands/roster.ts')).rosterRemove(options, peer));
	addRosterMinerCommands(roster.command('miner').description('which miners the mesh proves for'));
	roster
		.command('network')
		.description('take the mesh to a chain of another name, e.g. after a wrong --network; every node starts again')
		.addArgument(new Argument('<name>', 'as StateNetworkName says').argParser(nameText))
		.addOption(homeOption())
		.addOption(jsonOption())
		.action(async (name, options) => (await import('./commands/roster.ts')).rosterNetwork(options, name));
	roster
		.command('invite')
		.description('write the file with which a new machine joins')
		.addOption(homeOption())
		.requiredOption('--out <file>', 'where to write it (mode 0600: it holds the mesh key)', pathText)
		.option('--address <multiaddr>', "where the mesh is reached (default: the running node's addresses)", texts)
		.addOption(jsonOption())
		.action(async (options) => (await import('./commands/roster.ts')).rosterInvite(options));
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
		.action(async (id, options) => (await import('./commands/roster.ts')).rosterMinerAdd(options, id));
	miner
		.command('sender')
		.description('let another address send for a miner')
		.addArgument(idArgument())
		.addArgument(new Argument('<address>', senderOf).argParser(senderAddress))
		.addOption(homeOption())
		.addOption(jsonOption())
		.action(async (id, address, options) =>
			(await import('./commands/roster.ts')).rosterMinerSender(options, id, address),
		);
	miner
		.command('remove')
		.description('prove for a miner no more')
		.addArgument(idArgument())
		.addOption(homeOption())
		.addOption(jsonOption())
		.action(async (id, options) => (await import('./commands/roster.ts')).rosterMinerRemove(options, id));
}

function addNodeCommands(root: Command): void {
	root
		.command('claims')
		.description('every open partition: who works on it, how far, and why not this node')
		.addOption(homeOption())
		.option('--watch', 'keep showing')
		.addOption(jsonOption())
		.action(async (options) => (await import('./commands/claims.ts')).claims(options));
	root
		.command('compute')
		.description('prove a deadline across the mesh now, as a dry run')
		.addOption(homeOption())
		.requiredOption('--deadline <index>', 'deadline of the proving period', count(0, MAX_INDEX))
		.option('--partition <index>', 'one partition (default: all)', count(0, MAX_INDEX))
		.option('--miner <id>', "miner (default: the roster's only one)", minerId)
		.option('--submit', 'send the proofs: only while the deadline is open')
		.option('--out <dir>', 'folder to save the proofs in', pathText)
		.addOption(jsonOption())
		.action(async (options) => (await import('./commands/compute.ts')).compute(options));
	root
		.command('status')
		.description('state of the running node')
		.addOption(homeOption())
		.addOption(jsonOption())
		.action(async (options) => (await import('./commands/status.ts')).status(options));
	const bans = root.command('bans').description('members that this node refuses for a while');
	bans
		.command('show', { isDefault: true })
		.description('print them')
		.addOption(homeOption())
		.addOption(jsonOption())
		.action(async (options) => (await import('./commands/bans.ts')).bansShow(options));
	bans
		.command('lift <peer>')
		.description('take a member back at once, by name or peer id')
		.addOption(homeOption())
		.addOption(jsonOption())
		.action(async (peer, options) => (await import('./commands/bans.ts')).bansLift(options, peer));
	root
		.command('stop')
		.description('end the running node in order')
		.addOption(homeOption())
		.addOption(jsonOption())
		.action(async (options) => (await import('./commands/status.ts')).stop(options));
	root
		.command('replay <path>')
		.description('make the recorded decisions of a node again: a file of its flight recorder, or the folder')
		.option('--from <step>', 'tell decisions from this step on', count(0, Number.MAX_SAFE_INTEGER))
		.option('--compare', 'also if another core recorded it: say where this one decides otherwise first')
		.option('--json', 'one JSON object for each decision, the summary last')
		.action(async (path, options) => (await import('./commands/replay.ts')).replay(path, options));
}

function addParamsCommands(root: Command): void {
	const params = root.command('params').description('the parameter files of the proofs');
	const scoped = (name: string, description: string): Command =>
		params
			.command(name)
			.description(description)
			.addOption(homeOption())
			.option('--config <file>', 'config file (default: config.toml in the home)', pathText)
			.option(
				'--dir <dir>',
				'folder (default: [proofs] params of the config, else FIL_PROOFS_PARAMETER_CACHE)',
				pathText,
			)
			.addOption(kindOption())
			.addOption(jsonOption());
	scoped('fetch', 'bring what is missing of the published files, as the roles of this node need them')
		.option('--size <size>', `sector size (repeat for more; default: 32GiB): ${SECTOR_SIZES.join(', ')}`, sectorSizes)
		.addOption(
			new Option('--for <use>', 'what they are for (default: as the config says)').choices(['verify', 'prove']),
		)
		.option(
			'--source <url or dir>',
			'IPFS gateway, folder, or mesh (repeat for more; default: [proofs] sources)',
			texts,
		)
		.action(async (options) => (await import('./commands/params.ts')).paramsFetch(options));
	scoped('verify', 'compare every file with its published digest')
		.option('--size <size>', 'sector size that must be there (default: whatever is)', sectorSizes)
		.action(async (options) => (await import('./commands/params.ts')).paramsVerify(options));
	params
		.command('generate-test')
		.description('make test parameters, for networks of your own')
		.requiredOption('--dir <dir>', 'folder of their own', pathText)
		.addOption(new Option('--size <size>', 'sector size').choices(SECTOR_SIZES.slice(0, 3)).default('2KiB'))
		.addOption(kindOption())
		.option('--seed <number>', 'equal seeds make equal files', count(0, Number.MAX_SAFE_INTEGER), 0)
		.option('--json', 'one JSON object for each event')
		.action(async (options) => (await import('./commands/params.ts')).paramsGenerateTest(options));
}

function addBenchCommands(root: Command): void {
	root
		.command('bench')
		.description('measure this machine')
		.command('prove')
		.description('prove made-up partitions in every slot; the node begins with what came out')
		.addOption(homeOption())
		.option('--config <file>', 'config file (default: config.toml in the home; without a home: one CPU slot)', pathText)
		.option('--params <dir>', 'folder of published parameters (default: as the config says)', pathText)
		.option('--test-parameters <dir>', 'folder of test parameters', pathText)
		.option('--size <size>', 'sector size (repeat for more; default: every one whose parameters are here)', sectorSizes)
		.option('--repeat <count>', 'proofs of each size in each slot, beside the one that warms it up', count(1, 64), 3)
		.option('--self-test', "compare our prover with the library's first: the engine auto uses it where they agree")
		.option('--no-keep', 'leave the estimates of the node as they are')
		.addOption(jsonOption())
		.action(async (options) => (await import('./commands/bench.ts')).benchProveCommand(options));
}

function addDevnetCommands(root: Command): void {
	root
		.command('demo')
		.description('seven nodes prove a deadline of real sectors on an embedded chain while one is killed')
		.addOption(new Option('--kill <victim>', 'who is killed').choices(VICTIM_KINDS).default('prover'))
		.option('--keep', 'keep logs and homes')
		.addOption(jsonOption())
		.action(async (options) => (await import('./commands/demo.ts')).demo(options));
	root
		.command('devnet')
		.description('run an embedded chain with the JSON-RPC of a Lotus full node')
		.option('--dir <dir>', 'folder for tokens, keys and sectors (default: ~/.poster-devnet)', pathText)
		.option('--genesis <file>', 'miners and rules (docs/devnet.md; default: one miner, f01000, sealed here)', pathText)
		.option('--sectors <count>', 'sectors of the default miner', count(1, 96), 8)
		.option(
			'--test-parameters <dir>',
			'test parameters whose keys judge disputes (default: made once, cached)',
			pathText,
		)
		.option('--network <name>', 'StateNetworkName', nameText, 'poster-devnet')
		.option('--epoch-ms <ms>', 'length of an epoch', count(50, 30_000), 1000)
		.option('--start-epoch <epoch>', 'height of the first tipset', count(0, 1_000_000_000), 0)
		.option('--seed <text>', 'beacon, tickets and keys follow from it', 'poster-devnet')
		.option('--host <address>', 'where to listen', '127.0.0.1')
		.option('--port <port>', 'where to listen, 0 for a free one', count(0, MAX_INDEX), 1234)
		.option(
			'--full-nodes <count>',
			'full nodes that follow it, on ports one after another',
			count(1, limits.devnetFullNodes),
			1,
		)
		.option('--paused', 'make no epoch until Devnet.Resume is called')
		.addOption(new Option('--log-level <level>').choices(['debug', 'info', 'warn', 'error']).default('info'))
		.addOption(jsonOption())
		.action(async (options) => (await import('./commands/devnet.ts')).devnet(options));
}

/** The line may be too wrong to be parsed. */
export function wantsJson(): boolean {
	return process.argv.includes('--json');
}
