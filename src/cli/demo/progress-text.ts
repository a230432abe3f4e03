/** One line about what is being made before a devnet can start. */
import { duration } from '../render/duration.ts';
import type { PreparationProgress } from './preparation.ts';

const WHOLE = 100;

export function progressText({ what, share, leftMs }: PreparationProgress): string {
	const parts: string[] = [];
	if (share !== undefined) parts.push(`${Math.min(WHOLE, Math.floor(share * WHOLE))} %`);
	if (leftMs !== undefined) parts.push(`about ${duration(leftMs)} left`);
	return `Making the ${what}: ${parts.length === 0 ? 'starting' : parts.join(', ')}`;
}
