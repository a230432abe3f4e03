/** Commands on the parameter files of the proofs. */
import { type Command, Option } from 'commander';
import { SECTOR_SIZES } from '../../domain/parameters.ts';
import { count, homeOption, jsonOption, kindOption, pathText, sectorSizes, texts } from '../options.ts';

export function addParamsCommands(root: Command): void {
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
		.action(async (options) => (await import('../commands/params.ts')).paramsFetch(options));
	scoped('verify', 'compare every file with its published digest')
		.option('--size <size>', 'sector size that must be there (default: whatever is)', sectorSizes)
		.action(async (options) => (await import('../commands/params.ts')).paramsVerify(options));
	params
		.command('generate-test')
		.description('make test parameters, for networks of your own')
		.requiredOption('--dir <dir>', 'folder of their own', pathText)
		.addOption(new Option('--size <size>', 'sector size').choices(SECTOR_SIZES.slice(0, 3)).default('2KiB'))
		.addOption(kindOption())
		.option('--seed <number>', 'equal seeds make equal files', count(0, Number.MAX_SAFE_INTEGER), 0)
		.option('--json', 'one JSON object for each event')
		.action(async (options) => (await import('../commands/params.ts')).paramsGenerateTest(options));
}
