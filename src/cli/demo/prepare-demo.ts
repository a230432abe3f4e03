/** Everything the demo needs before its first process starts; a second run finds it in the cache. */
import { join } from 'node:path';
import { defaultCacheDir } from '../../adapters/native/build.ts';
import { CONTROL_MINER, type DemoSectors, MINER, SECTORS } from './plan.ts';
import {
	type OnProgress,
	prepareNative,
	prepareParameters,
	prepareSectors,
	type SealedSectors,
} from './preparation.ts';

export interface Prepared {
	readonly native: string;
	readonly testParameters: string;
	readonly sectors: DemoSectors;
}

export async function prepareDemo(onProgress: OnProgress, signal: AbortSignal): Promise<Prepared> {
	const native = await prepareNative(onProgress, signal);
	const testParameters = await prepareParameters(native, onProgress, signal);
	const folder = join(defaultCacheDir(process.env), 'demo-sectors');
	const seal = (name: string, miner: number, numbers: readonly number[]): Promise<SealedSectors> =>
		prepareSectors(native, { dir: join(folder, name), miner, numbers }, onProgress, signal);
	const sectors = {
		storage1: await seal('storage-1', MINER, SECTORS.storage1),
		storage2: await seal('storage-2', MINER, SECTORS.storage2),
		control: await seal('control', CONTROL_MINER, SECTORS.control),
	};
	return { native, testParameters, sectors };
}
