/** The worker, parameters, sectors and proofs that a chaos run needs: made once, kept in the cache folder. */
import { join } from 'node:path';
import { defaultCacheDir } from '../../src/adapters/native/build.ts';
import { prepareNative, prepareParameters } from '../../src/cli/demo/preparation.ts';
import { type ChaosPlan, makePlan, type PlanShape } from './plan.ts';
import { prepareProofs } from './proofs.ts';

export interface Prepared {
	readonly plan: ChaosPlan;
	readonly native: string;
	readonly testParameters: string;
	readonly proofs: string;
}

export async function prepare(shape: PlanShape, say: (line: string) => void): Promise<Prepared> {
	const native = await prepareNative(() => undefined);
	const testParameters = await prepareParameters(native, () => undefined);
	const plan = await makePlan(native, shape);
	const proofs = join(defaultCacheDir(process.env), 'chaos-proofs');
	const orders = plan.items.map(({ miner, statement }) => ({
		statement,
		storage: plan.sealed.get(miner)?.dir ?? '',
	}));
	await prepareProofs({ native, testParameters, folder: proofs }, orders, (left) => {
		if (left % 20 === 0) say(`${left} proofs are still to be made`);
	});
	return { plan, native, testParameters, proofs };
}
