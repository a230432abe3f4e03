/**
 * `POST /winning-post`: the winning PoSt of a block, made by the mesh and verified here. Whoever asks holds the miner's key
 * and signs the block; nothing here does.
 */
import type { Hono } from 'hono';
import { z } from 'zod';
import { actorId, hex32, sectorNumber } from '../domain/ids.ts';
import type { ControlSource } from './control-api.ts';
import { badRequest, readJson } from './control-body.ts';

const HEX_32 = /^[0-9a-f]{64}$/;
/** Whole for the challenges: the two highest bits of the last byte are clear. */
const MASKED = /^[0-9a-f]{62}[0-3][0-9a-f]$/;

const WinningBody = z.strictObject({
	miner: z.int().min(0),
	proofType: z.int().min(0).max(4),
	randomness: z.string().regex(MASKED, 'is not 64 hex digits with the two highest bits of the last byte clear'),
	sector: z.int().min(0),
	commR: z.string().regex(HEX_32, 'is not 64 hex digits'),
});

/** Answers when the proof is there, within `limits.winningMs`. A caller that hangs up ends the request. */
export function winningRoute(app: Hono, source: ControlSource, ending: AbortSignal): void {
	app.post('/winning-post', async (context) => {
		const body = WinningBody.safeParse(await readJson(context));
		if (!body.success) throw badRequest(z.prettifyError(body.error));
		const { miner, proofType, randomness, sector, commR } = body.data;
		const { proof, prover, ms } = await source.winningPost(
			{
				miner: actorId(miner),
				proofType,
				randomness: hex32(randomness),
				sector: { number: sectorNumber(sector), commR: hex32(commR) },
			},
			AbortSignal.any([ending, context.req.raw.signal]),
		);
		return context.json({ proof: Buffer.from(proof).toString('base64'), prover, ms });
	});
}
