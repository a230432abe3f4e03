/** Faults and recoveries of one partition. Source: builtin-actors `actors/miner/src/partition_state.rs`. */
import { Bitfield } from '../../domain/bitfield.ts';
import { ensure, exitCode, within } from './abort.ts';
import { activeSectors, type Deadline, type Partition } from './state.ts';

/** Sectors skipped by a submission become faulty; those that were recovering no longer are. */
export function recordSkipped(partition: Partition, skipped: Bitfield): Partition {
	ensure(
		skipped.isSubsetOf(partition.sectors),
		exitCode.illegalArgument,
		'skipped faults contains sectors outside partition',
	);
	return addFaults(partition, skipped);
}

/** A proof over the recovering sectors makes them good again. */
export function recoverFaults(partition: Partition): Partition {
	return {
		...partition,
		faults: partition.faults.subtract(partition.recoveries),
		recoveries: Bitfield.empty,
	};
}

/** No proof came: all sectors are faulty, no recovery happened. */
export function recordMissed(partition: Partition): Partition {
	return { ...partition, faults: partition.sectors, recoveries: Bitfield.empty };
}

/** True when a missed proof changes nothing: every sector is faulty and none was to recover. */
export function nothingToMiss(partition: Partition): boolean {
	return activeSectors(partition).size === 0 && partition.recoveries.size === 0;
}

export function declareFaults(deadline: Deadline, index: number, sectors: Bitfield): Deadline {
	const partition = partitionAt(deadline, index);
	return within(`failed to declare faults in partition ${index}`, () => {
		requireAssigned(partition, sectors);
		return withPartition(deadline, index, addFaults(partition, sectors));
	});
}

/** Only faulty sectors are marked; healthy ones are ignored. */
export function declareRecovered(deadline: Deadline, index: number, sectors: Bitfield): Deadline {
	const partition = partitionAt(deadline, index);
	return within('failed to add recoveries', () => {
		requireAssigned(partition, sectors);
		const recoveries = partition.recoveries.union(sectors.intersect(partition.faults));
		return withPartition(deadline, index, { ...partition, recoveries });
	});
}

export function partitionAt({ partitions }: Pick<Deadline, 'partitions'>, index: number): Partition {
	const partition = partitions[index];
	ensure(partition !== undefined, exitCode.notFound, `no such partition ${index}`);
	return partition;
}

export function withPartition(deadline: Deadline, index: number, partition: Partition): Deadline {
	return { ...deadline, partitions: deadline.partitions.with(index, partition) };
}

export function addFaults(partition: Partition, sectors: Bitfield): Partition {
	return {
		...partition,
		faults: partition.faults.union(sectors),
		recoveries: partition.recoveries.subtract(sectors),
	};
}

function requireAssigned(partition: Partition, sectors: Bitfield): void {
	ensure(
		sectors.isSubsetOf(partition.sectors),
		exitCode.illegalArgument,
		'failed fault declaration: not all sectors are assigned to the partition',
	);
}
