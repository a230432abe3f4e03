/** Commands that need no chain but the embedded one. */
import { type Command, Option } from 'commander';
import { limits } from '../../domain/limits.ts';
import { VICTIM_KINDS } from '../demo/victim-kinds.ts';
import { count, jsonOption, MAX_INDEX, nameText, pathText } from '../options.ts';

export function addDevnetCommands(root: Command): void {
	root
		.command('demo')
		.description('seven nodes prove a deadline of real sectors on an embedded chain while one is killed')
		.addOption(new Option('--kill <victim>', 'who is killed').choices(VICTIM_KINDS).default('prover'))
		.option('--keep', 'keep logs and homes')
		.addOption(jsonOption())
		.action(async (options) => (await import('../commands/demo.ts')).demo(options));
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
		.action(async (options) => (await import('../commands/devnet.ts')).devnet(options));
}
