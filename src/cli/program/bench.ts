/** Commands that measure this machine. */
import type { Command } from 'commander';
import { count, homeOption, jsonOption, pathText, sectorSizes } from '../options.ts';

export function addBenchCommands(root: Command): void {
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
		.action(async (options) => (await import('../commands/bench.ts')).benchProveCommand(options));
}
