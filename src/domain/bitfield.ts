/**
 * An immutable set of non-negative integers kept as runs, as Filecoin does: sector sets are mostly contiguous, so a
 * miner with millions of sectors needs a few hundred runs.
 */
import { assert } from './errors.ts';

/** `start` inclusive, `end` exclusive. */
export interface Run {
	readonly start: number;
	readonly end: number;
}

export class Bitfield {
	/** Ascending, disjoint, not adjacent, none empty. */
	readonly runs: readonly Run[];
	readonly size: number;

	private constructor(runs: readonly Run[]) {
		this.runs = runs;
		this.size = runs.reduce((sum, run) => sum + (run.end - run.start), 0);
	}

	static readonly empty: Bitfield = new Bitfield([]);

	/** From numbers in any order, duplicates allowed. */
	static of(numbers: Iterable<number>): Bitfield {
		const sorted = [...numbers].sort((a, b) => a - b);
		return Bitfield.ofRuns(sorted.map((value) => ({ start: value, end: value + 1 })));
	}

	/** From runs ordered by start; overlapping and adjacent ones are merged, empty ones dropped. */
	static ofRuns(runs: Iterable<Run>): Bitfield {
		const merged: { start: number; end: number }[] = [];
		for (const { start, end } of runs) {
			assert(Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0, 'run bounds are u53');
			if (end <= start) continue;
			const last = merged.at(-1);
			assert(last === undefined || start >= last.start, 'runs are ordered');
			if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
			else merged.push({ start, end });
		}
		return merged.length === 0 ? Bitfield.empty : new Bitfield(merged);
	}

	has(value: number): boolean {
		let low = 0;
		let high = this.runs.length - 1;
		while (low <= high) {
			const middle = (low + high) >>> 1;
			const run = this.runs[middle] as Run;
			if (value < run.start) high = middle - 1;
			else if (value >= run.end) low = middle + 1;
			else return true;
		}
		return false;
	}

	*[Symbol.iterator](): Generator<number> {
		for (const { start, end } of this.runs) for (let value = start; value < end; value++) yield value;
	}

	union(other: Bitfield): Bitfield {
		if (other.size === 0) return this;
		if (this.size === 0) return other;
		return Bitfield.ofRuns([...this.runs, ...other.runs].sort((a, b) => a.start - b.start));
	}

	intersect(other: Bitfield): Bitfield {
		const both: Run[] = [];
		let i = 0;
		let j = 0;
		while (i < this.runs.length && j < other.runs.length) {
			const a = this.runs[i] as Run;
			const b = other.runs[j] as Run;
			both.push({ start: Math.max(a.start, b.start), end: Math.min(a.end, b.end) });
			if (a.end < b.end) i++;
			else j++;
		}
		return Bitfield.ofRuns(both.filter((run) => run.start < run.end));
	}

	subtract(other: Bitfield): Bitfield {
		const left: Run[] = [];
		let j = 0;
		for (const run of this.runs) {
			let start = run.start;
			while (j < other.runs.length && (other.runs[j] as Run).end <= start) j++;
			for (let k = j; k < other.runs.length && (other.runs[k] as Run).start < run.end; k++) {
				const cut = other.runs[k] as Run;
				if (cut.start > start) left.push({ start, end: cut.start });
				start = Math.max(start, cut.end);
			}
			if (start < run.end) left.push({ start, end: run.end });
		}
		return Bitfield.ofRuns(left);
	}

	equals(other: Bitfield): boolean {
		return (
			this.size === other.size &&
			this.runs.length === other.runs.length &&
			this.runs.every((run, i) => run.start === other.runs[i]?.start && run.end === other.runs[i]?.end)
		);
	}

	/** True when every member of this set is in `other`. */
	isSubsetOf(other: Bitfield): boolean {
		return this.intersect(other).size === this.size;
	}
}
