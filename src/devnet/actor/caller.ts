/** Who may call what of the miner actor. */
import { ensure, exitCode } from './abort.ts';
import type { CallContext } from './context.ts';
import type { Miner } from './state.ts';

/** Owner, worker and control addresses. */
export function requireControl({ caller }: CallContext, { owner, worker, control }: Miner): void {
	ensure(
		caller === owner || caller === worker || control.includes(caller),
		exitCode.forbidden,
		`caller f0${caller} is not one of supported`,
	);
}
