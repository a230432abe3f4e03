/**
 * Every bound of the program, each with its reason, by subject. A queue, map, frame, timeout or retry that is not listed
 * has no bound, which is a bug. `docs/limits.md` is made from these files.
 */
import { coreLimits } from './limits/core.ts';
import { devnetLimits } from './limits/devnet.ts';
import { fullNodeLimits } from './limits/full-node.ts';
import { networkLimits } from './limits/network.ts';
import { nodeLimits } from './limits/node.ts';
import { protocolLimits } from './limits/protocol.ts';
import { provingLimits } from './limits/proving.ts';

export const limits = {
	...protocolLimits,
	...coreLimits,
	...networkLimits,
	...provingLimits,
	...fullNodeLimits,
	...nodeLimits,
	...devnetLimits,
} as const;
