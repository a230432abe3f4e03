/** `status`: is this node well, and what does it see of the mesh? */
import type { StatusReport } from '../../node/control-api.ts';
import { connectControl } from '../control-client.ts';
import { printJson, printText } from '../output.ts';
import { renderStatus } from '../render/status.ts';

export interface NodeCommandOptions {
	readonly home: string;
	readonly json?: boolean;
}

export async function status(options: NodeCommandOptions): Promise<void> {
	const node = await connectControl(options.home);
	const report = await node.get<StatusReport>('/status');
	if (options.json) printJson(report);
	else printText(renderStatus(report, Date.now()));
}

/** `stop`: asks the node to end in order; it answers before it has ended. */
export async function stop(options: NodeCommandOptions): Promise<void> {
	const node = await connectControl(options.home);
	const { pid } = await node.get<StatusReport>('/status');
	await node.post('/stop', {});
	if (options.json) printJson({ stopping: true, pid });
	else printText(`The node (process ${pid}) ends: it releases its claims first.`);
}
