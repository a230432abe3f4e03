/** Commands that make a home and run the node in it. */
import { type Command, Option } from 'commander';
import { homeOption, jsonOption, minerIds, nameText, pathText, senders, texts } from '../options.ts';

export function addHomeCommands(root: Command): void {
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
		.action(async (options) => (await import('../commands/init.ts')).init(options));
	root
		.command('start')
		.description('run the node of a home')
		.addOption(homeOption())
		.option('--config <file>', 'config file (default: config.toml in the home)', pathText)
		.option('--bootstrap <multiaddr>', 'node to dial first (repeat for more)', texts)
		.addOption(jsonOption())
		.action(async (options) => (await import('../commands/start.ts')).start(options));
}
