/**
 * Could this partition have been proven at all? Knows the schedule of the faults and nothing of the protocol: it looks for
 * a time in which one prover, one node with the sectors and one submitter with its full node were whole, long enough for
 * everything that a proof needs.
 */
import { type Fault, type FaultKind, SILENCES } from './faults.ts';
import type { NodeShape } from './mesh.ts';

export interface Window {
	readonly challengeMs: number;
	readonly openMs: number;
	readonly closeMs: number;
	readonly epochMs: number;
}

export interface Needs {
	/** The longest proof. */
	readonly proveMs: number;
	/** To hear of the item, to notice that its holder is gone, to claim it and to gather its sectors. */
	readonly beforeMs: number;
}

/** Faults during which their victims do no work, or are alone. */
const OUTAGES: readonly FaultKind[] = [
	'kill-node',
	'kill-group',
	'restart',
	'disk-full',
	'partition',
	'clone',
	'full-node',
	...SILENCES,
];
/** A message is sent from the 4th epoch after open on, and needs some epochs until it is included. */
const SUBMIT_EPOCHS = 4;
const INCLUDE_EPOCHS = 6;
const STEP_MS = 500;

/** Undefined when it could have been proven; else what was lacking. */
export function excuse(
	window: Window,
	needs: Needs,
	faults: readonly Fault[],
	shape: readonly NodeShape[],
): 'no-prover' | 'no-storage' | 'no-chain' | undefined {
	const outages = faults.filter(({ kind }) => OUTAGES.includes(kind));
	const whole = (name: string, fromMs: number, toMs: number): boolean =>
		!outages.some(
			({ victims, atMs, endMs }) =>
				victims.includes(name) && atMs < toMs && (endMs ?? Number.POSITIVE_INFINITY) > fromMs,
		);
	const some = (role: NodeShape['roles'][number], fromMs: number, toMs: number): boolean =>
		shape.some(({ name, roles }) => roles.includes(role) && whole(name, fromMs, toMs));
	const provingMs = needs.beforeMs + needs.proveMs;
	const submitMs = INCLUDE_EPOCHS * window.epochMs;
	let lacking: ReturnType<typeof excuse> = 'no-prover';
	for (let at = window.challengeMs; at + provingMs + submitMs <= window.closeMs; at += STEP_MS) {
		if (!some('prover', at, at + provingMs)) continue;
		lacking = 'no-storage';
		if (!some('storage', at, at + needs.beforeMs)) continue;
		lacking = 'no-chain';
		const sends = Math.max(at + provingMs, window.openMs + SUBMIT_EPOCHS * window.epochMs);
		for (let sent = sends; sent + submitMs <= window.closeMs; sent += STEP_MS) {
			if (some('submitter', sent, sent + submitMs) && whole('chain', sent, sent + submitMs)) return undefined;
		}
	}
	return lacking;
}
