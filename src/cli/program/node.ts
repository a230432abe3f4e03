/** Commands to a running node, and on what it has recorded. */
import type { Command } from 'commander';
import { count, homeOption, jsonOption, MAX_INDEX, minerId, pathText } from '../options.ts';

export function addNodeCommands(root: Command): void {
	root
		.command('claims')
		.description('every open partition: who works on it, how far, and why not this node')
		.addOption(homeOption())
		.option('--watch', 'keep showing')
		.addOption(jsonOption())
		.action(async (options) => (await import('../commands/claims.ts')).claims(options));
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
		.action(async (options) => (await import('../commands/compute.ts')).compute(options));
	root
		.command('status')
		.description('state of the running node')
		.addOption(homeOption())
		.addOption(jsonOption())
		.action(async (options) => (await import('../commands/status.ts')).status(options));
	const bans = root.command('bans').description('members that this node refuses for a while');
	bans
		.command('show', { isDefault: true })
		.description('print them')
		.addOption(homeOption())
		.addOption(jsonOption())
		.action(async (options) => (await import('../commands/bans.ts')).bansShow(options));
	bans
		.command('lift <peer>')
		.description('take a member back at once, by name or peer id')
		.addOption(homeOption())
		.addOption(jsonOption())
		.action(async (peer, options) => (await import('../commands/bans.ts')).bansLift(options, peer));
	root
		.command('stop')
		.description('end the running node in order')
		.addOption(homeOption())
		.addOption(jsonOption())
		.action(async (options) => (await import('../commands/status.ts')).stop(options));
	root
		.command('replay <path>')
		.description('make the recorded decisions of a node again: a file of its flight recorder, or the folder')
		.option('--from <step>', 'tell decisions from this step on', count(0, Number.MAX_SAFE_INTEGER))
		.option('--compare', 'also if another core recorded it: say where this one decides otherwise first')
		.option('--json', 'one JSON object for each decision, the summary last')
		.action(async (path, options) => (await import('../commands/replay.ts')).replay(path, options));
}
