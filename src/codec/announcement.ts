/** ANN and TOMB bodies: what is due under a challenge, and what no longer is. */
import { type Announcement, TOMBSTONE_REASONS, type Tombstone } from '../domain/announcement.ts';
import { actorId, deadlineIndex, partitionIndex } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { isWindowProofType } from '../domain/proof.ts';
import type { Challenge, DuePartition } from '../domain/work.ts';
import { badCbor, cborInteger, cborTuple } from './cbor.ts';
import { cborAscending, cborEpoch, cborHash, cborName, cborWorkId, hexBytes, U32_MAX, U53_MAX } from './mesh-cbor.ts';
import { challengeTuple } from './work-id.ts';

/** The prover reads randomness as a field element below 2^254: byte 31 is masked. */
const UNMASKED_BITS = 0xc0;

export function announcementTuple({ challenge, items }: Announcement): readonly unknown[] {
	return [challengeTuple(challenge), items.map((due) => [due.partition, due.sectorCount, hexBytes(due.sectorRoot)])];
}

export function readAnnouncement(value: unknown): Announcement {
	const [challenge, items] = cborTuple(value, 2, 'announcement');
	const read = cborAscending(items, limits.announcementItems, 'items', readDue, ({ partition }) => partition);
	if (read.length === 0) throw badCbor('an announcement has no items');
	return { challenge: readChallenge(challenge), items: read };
}

export function tombstoneTuple({ challenge, reason, works }: Tombstone): readonly unknown[] {
	return [challengeTuple(challenge), TOMBSTONE_REASONS.indexOf(reason), works.map(hexBytes)];
}

export function readTombstone(value: unknown): Tombstone {
	const [challenge, reason, works] = cborTuple(value, 3, 'tombstone');
	const readWork = (work: unknown) => cborWorkId(work, 'work id');
	const read = cborAscending(works, limits.announcementItems, 'works', readWork, (work) => work);
	if (read.length === 0) throw badCbor('a tombstone names no work');
	return { challenge: readChallenge(challenge), reason: cborName(reason, TOMBSTONE_REASONS, 'reason'), works: read };
}

function readChallenge(value: unknown): Challenge {
	const [kind, nonce, miner, periodStart, deadline, challenge, open, close, randomness, proofType] = cborTuple(
		value,
		10,
		'challenge',
	);
	const read: Challenge = {
		kind: cborName(kind, ['post', 'dry'], 'kind'),
		nonce: cborInteger(nonce, 0, U53_MAX, 'nonce'),
		miner: actorId(cborInteger(miner, 0, U53_MAX, 'miner')),
		periodStart: cborEpoch(periodStart, 'period start'),
		deadline: deadlineIndex(cborInteger(deadline, 0, U32_MAX, 'deadline')),
		challenge: cborEpoch(challenge, 'challenge epoch'),
		open: cborEpoch(open, 'open epoch'),
		close: cborEpoch(close, 'close epoch'),
		randomness: cborHash(randomness, 'randomness'),
		proofType: cborInteger(proofType, 0, U32_MAX, 'proof type'),
	};
	const lastByte = Number.parseInt(read.randomness.slice(-2), 16);
	if ((lastByte & UNMASKED_BITS) !== 0) throw badCbor('the randomness is not masked');
	if (!isWindowProofType(read.proofType)) throw badCbor('the proof type is no window proof');
	if (!(read.challenge <= read.open && read.open < read.close)) throw badCbor('the epochs are out of order');
	if ((read.kind === 'post') !== (read.nonce === 0)) throw badCbor('the nonce does not fit the kind');
	return read;
}

function readDue(value: unknown): DuePartition {
	const [partition, sectorCount, sectorRoot] = cborTuple(value, 3, 'item');
	return {
		partition: partitionIndex(cborInteger(partition, 0, U32_MAX, 'partition')),
		sectorCount: cborInteger(sectorCount, 1, limits.manifestSectors, 'sector count'),
		sectorRoot: cborHash(sectorRoot, 'sector root'),
	};
}
