/** One line about what is being made before a devnet can start. */
import { duration } from '../render/duration.ts';
import type { PreparationProgress } from './preparation.ts';

const WHOLE = 100;

export function progressText({ what, share, leftMs }: PreparationProgress): string {
	const done = share === undefined ? '' : ` ${Math.min(WHOLE, Math.floor(share * WHOLE))} %`;
	const left = leftMs === undefined ? '' : `, about ${duration(leftMs)} left`;
	return `Making the ${what}:${done === '' && left === '' ? ' starting' : `${done}${left}`}`;
}
