/** REC body: everything one node says of itself. */
import { sectorNumber } from '../domain/ids.ts';
import { LEASE_PHASES, type Lease, RELEASE_REASONS } from '../domain/lease.ts';
import { limits } from '../domain/limits.ts';
import type { NodeRecord, Objection, ProofEstimate } from '../domain/record.ts';
import { challengeKeyOf } from '../domain/work.ts';
import { cborInteger, cborList, cborTuple } from './cbor.ts';
import {
	cborAscending,
	cborBitfield,
	cborBoolean,
	cborHash,
	cborHex,
	cborName,
	cborNodeId,
	cborShortHash,
	cborWorkId,
	hexBytes,
	U32_MAX,
	U53_MAX,
} from './mesh-cbor.ts';
import { encodeBitfield } from './rle-plus.ts';

const CHALLENGE_KEY_BYTES = 16;
const PERMILLE_MAX = 1000;
const HEALTH_MAX = 8;
/** A deadline has at most 3,000 partitions; every second one set takes 750 bytes. */
const HAVE_BOUNDS = { maxBytes: limits.recordHaveBytes, maxRuns: 3000, maxSize: 3000 };

export function recordTuple(record: NodeRecord): readonly unknown[] {
	return [
		record.rosterVersion,
		hexBytes(record.rosterHash),
		record.slots,
		record.idle,
		record.health,
		record.chain,
		record.synced,
		record.keys === null ? null : hexBytes(record.keys),
		record.estimates.map(({ proofType, p95Ms, p99Ms }) => [proofType, p95Ms, p99Ms]),
		record.leases.map(leaseTuple),
		record.ended.map(({ work, reason }) => [hexBytes(work), RELEASE_REASONS.indexOf(reason)]),
		record.have.map(({ key, partitions }) => [hexBytes(key), encodeBitfield(partitions)]),
		record.submissions.map(hexBytes),
		record.objections.map(({ work, sector, holder }) => [hexBytes(work), sector, holder]),
		record.suspects,
	];
}

export function readRecord(value: unknown): NodeRecord {
	const [version, hash, slots, idle, health, chain, synced, keys, ...lists] = cborTuple(value, 15, 'record');
	const [estimates, leases, ended, have, submissions, objections, suspects] = lists;
	return {
		rosterVersion: cborInteger(version, 0, U32_MAX, 'roster version'),
		rosterHash: cborHash(hash, 'roster hash'),
		slots: cborInteger(slots, 0, limits.slots, 'slots'),
		idle: cborInteger(idle, 0, limits.slots, 'idle slots'),
		health: cborInteger(health, 0, HEALTH_MAX, 'health'),
		chain: cborBoolean(chain, 'chain'),
		synced: cborBoolean(synced, 'synced'),
		keys: keys === null ? null : cborHash(keys, 'keys'),
		estimates: cborAscending(estimates, limits.recordEstimates, 'estimates', readEstimate, (e) => e.proofType),
		leases: cborAscending(leases, limits.recordLeases, 'leases', readLease, (lease) => lease.work),
		ended: cborAscending(ended, limits.recordEnded, 'ended leases', readEnded, ({ work }) => work),
		have: cborAscending(have, limits.recordHave, 'have', readHave, ({ key }) => key),
		submissions: cborList(submissions, limits.recordSubmissions, 'submissions').map((v) =>
			cborShortHash(v, 'submission'),
		),
		objections: cborList(objections, limits.recordObjections, 'objections').map(readObjection),
		suspects: cborAscending(
			suspects,
			limits.recordSuspects,
			'suspects',
			(v) => cborNodeId(v, 'suspect'),
			(id) => id,
		),
	};
}

function leaseTuple(lease: Lease): readonly unknown[] {
	const { work, term, backup, phase, permille, workSeconds, replaces } = lease;
	return [hexBytes(work), term, backup, LEASE_PHASES.indexOf(phase), permille, workSeconds, replaces];
}

function readLease(value: unknown): Lease {
	const [work, term, backup, phase, permille, workSeconds, replaces] = cborTuple(value, 7, 'lease');
	return {
		work: cborWorkId(work, 'work id'),
		term: cborInteger(term, 1, U32_MAX, 'term'),
		backup: cborBoolean(backup, 'backup'),
		phase: cborName(phase, LEASE_PHASES, 'phase'),
		permille: cborInteger(permille, 0, PERMILLE_MAX, 'permille'),
		workSeconds: cborInteger(workSeconds, 0, U32_MAX, 'work seconds'),
		replaces: replaces === null ? null : cborNodeId(replaces, 'replaced holder'),
	};
}

function readEstimate(value: unknown): ProofEstimate {
	const [proofType, p95Ms, p99Ms] = cborTuple(value, 3, 'estimate');
	return {
		proofType: cborInteger(proofType, 0, U32_MAX, 'proof type'),
		p95Ms: cborInteger(p95Ms, 0, U32_MAX, 'p95'),
		p99Ms: cborInteger(p99Ms, 0, U32_MAX, 'p99'),
	};
}

function readEnded(value: unknown): NodeRecord['ended'][number] {
	const [work, reason] = cborTuple(value, 2, 'ended lease');
	return { work: cborWorkId(work, 'work id'), reason: cborName(reason, RELEASE_REASONS, 'reason') };
}

function readHave(value: unknown): NodeRecord['have'][number] {
	const [key, partitions] = cborTuple(value, 2, 'have');
	return {
		key: challengeKeyOf(cborHex(key, CHALLENGE_KEY_BYTES, 'challenge key')),
		partitions: cborBitfield(partitions, HAVE_BOUNDS, 'partitions'),
	};
}

function readObjection(value: unknown): Objection {
	const [work, sector, holder] = cborTuple(value, 3, 'objection');
	return {
		work: cborWorkId(work, 'work id'),
		sector: sectorNumber(cborInteger(sector, 0, U53_MAX, 'sector')),
		holder: cborNodeId(holder, 'holder'),
	};
}
