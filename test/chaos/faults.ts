/** What the nemesis did, as the checker and the measurements read it. */

/** Kinds of faults, in the order in which they are listed. */
export const FAULT_KINDS = [
	'kill-node',
	'kill-child',
	'kill-group',
	'stop',
	'restart',
	'disk-full',
	'partition',
	'cut',
	'drop',
	'delay',
	'clone',
	'full-node',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** The process is gone: its connections are reset. */
export const DEATHS: readonly FaultKind[] = ['kill-node', 'kill-group'];
/** The process is there and says nothing: its connections stay. */
export const SILENCES: readonly FaultKind[] = ['stop'];

export interface Fault {
	readonly kind: FaultKind;
	/** Nodes that it hits; `chain` is the full node. */
	readonly victims: readonly string[];
	/** Wall milliseconds: when it began, and when what was broken was whole again (undefined: never). */
	readonly atMs: number;
	endMs: number | undefined;
	/** What went wrong after it; undefined when the victim works as before. */
	failure: string | undefined;
	/** For people: which child, how long, which sides. */
	readonly detail: string;
}
