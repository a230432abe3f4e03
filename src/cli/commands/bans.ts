/** `bans`: whom the running node refuses for breaking the rules of the network, and the end of such a ban. */
import type { BanRow } from '../../node/control-api.ts';
import { connectControl } from '../control-client.ts';
import { printJson, printText } from '../output.ts';
import { renderBans } from '../render/bans.ts';
import type { NodeCommandOptions } from './status.ts';

export async function bansShow(options: NodeCommandOptions): Promise<void> {
	const node = await connectControl(options.home);
	const { bans } = await node.get<{ bans: readonly BanRow[] }>('/bans');
	if (options.json) printJson({ bans });
	else printText(renderBans(bans));
}

export async function bansLift(options: NodeCommandOptions, peer: string): Promise<void> {
	const node = await connectControl(options.home);
	await node.delete(`/bans/${encodeURIComponent(peer)}`);
	if (options.json) printJson({ lifted: peer });
	else printText(`Lifted the ban of ${peer}. Its next breach is a first one again.`);
}
