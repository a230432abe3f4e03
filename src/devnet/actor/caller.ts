/** Who may call what of the miner actor. */
import { exitCode, require } from './abort.ts';
import type { CallContext } from './context.ts';
import type { Miner } from './state.ts';

/** Owner, worker and control addresses. */
export function requireControl({ caller }: CallContext, { owner, worker, control }: Miner): void {
	require(caller === owner ||
		caller === worker ||
		control.includes(caller), exitCode.forbidden, `caller f0${caller} is not one of supported`);
}
