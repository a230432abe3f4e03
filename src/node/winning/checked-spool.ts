/** A vanilla proof of one sector that came from a member: checked in full, then in a file for as long as it is used. */
import { PosterError } from '../../domain/errors.ts';
import type { WinningChallenge } from '../../domain/winning.ts';
import type { Spool, VanillaChecker } from '../../ports/vanilla.ts';

/** Rejects `winning-vanilla` for a proof that does not hold, `check-…` and `spool-…`, and what `use` rejects with. */
export async function withChecked<T>(
	checker: VanillaChecker,
	path: string,
	challenge: WinningChallenge,
	vanilla: Uint8Array,
	use: (spool: Spool) => Promise<T>,
): Promise<T> {
	const { proofType, miner, randomness, sector } = challenge;
	const session = await checker.begin({ proofType, miner, randomness, sectors: [sector] }, path);
	try {
		const verdict = await session.check(sector.number, vanilla);
		if (!verdict.ok) {
			throw new PosterError('winning-vanilla', `the opened sector does not hold: ${verdict.detail}`, {
				advice: 'The holder has another sector, or a damaged one: look at its disks.',
				meta: { code: verdict.code },
			});
		}
		await session.finish();
		return await use(session.spool);
	} finally {
		await session.drop();
	}
}
