/**
 * The command line: what can be asked, and with which options, by topic in `program/`. Each command's code is loaded when
 * it is asked for.
 */
import { Command } from 'commander';
import { programVersion } from '../node/version.ts';
import { homeOption, jsonOption } from './options.ts';
import { printJson, printText } from './output.ts';
import { addBenchCommands } from './program/bench.ts';
import { addDevnetCommands } from './program/devnet.ts';
import { addHomeCommands } from './program/home.ts';
import { addNodeCommands } from './program/node.ts';
import { addParamsCommands } from './program/params.ts';
import { addRosterCommands } from './program/roster.ts';

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

/** The line may be too wrong to be parsed. */
export function wantsJson(): boolean {
	return process.argv.includes('--json');
}
