/** What every VanillaSource and every VanillaChecker does, and that the second accepts what the first opens. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { test } from 'node:test';
import { hex32, type SectorNumber, sectorNumber } from '../../src/domain/ids.ts';
import { proofShape } from '../../src/domain/proof.ts';
import type { OpenRequest } from '../../src/domain/vanilla.ts';
import type { OpenedSector, SpoolSession, VanillaChecker, VanillaSource } from '../../src/ports/vanilla.ts';

export interface VanillaSubject {
	readonly source: VanillaSource;
	readonly checker: VanillaChecker;
	/** Sectors that the source holds; at least two, at most one partition. */
	readonly request: OpenRequest;
	/** Path for a spool, in an empty folder. */
	readonly path: string;
}

const never = new AbortController().signal;

async function collect(opened: AsyncIterable<OpenedSector>): Promise<OpenedSector[]> {
	const all: OpenedSector[] = [];
	for await (const one of opened) all.push(one);
	return all.sort((a, b) => a.sector - b.sector);
}

/** The vanilla proofs of all sectors of the request, in order. */
async function proofs(
	source: VanillaSource,
	request: OpenRequest,
): Promise<{ sector: SectorNumber; proof: Uint8Array }[]> {
	return (await collect(source.open(request, never))).map((opened) => {
		assert.ok('proof' in opened, `sector ${opened.sector} was not opened`);
		return opened;
	});
}

export function vanillaCompliance(name: string, open: () => Promise<VanillaSubject>): void {
	const rule = (what: string, check: (subject: VanillaSubject) => Promise<void>): void => {
		test(`${name}: ${what}`, async (t) => {
			const subject = await open();
			t.after(() => subject.source.close());
			t.after(() => subject.checker.close());
			await check(subject);
		});
	};

	rule('each sector is opened once, and every proof passes the check', async (subject) => {
		const { source, checker, request, path } = subject;
		const opened = await proofs(source, request);
		assert.deepEqual(
			opened.map(({ sector }) => sector),
			request.sectors.map(({ number }) => number),
		);
		const session = await checker.begin(request, path);
		assert.deepEqual(session.resumed, []);
		const verdicts = await Promise.all(opened.map(({ sector, proof }) => session.check(sector, proof)));
		assert.deepEqual(
			verdicts,
			opened.map(() => ({ ok: true })),
		);
		await session.finish();
		assert.equal(session.spool.path, path);
		assert.equal((await stat(path)).size, opened.length * proofShape(request.proofType).vanillaBytes);
		for (const [slot, { number }] of request.sectors.entries()) assert.equal(session.spool.slotOf(number), slot);
		assert.equal(session.spool.slotOf(sectorNumber(123_456)), -1);
		await session.drop();
	});

	rule('a sector that is not there, or is another one, fails alone and with its reason', async (subject) => {
		const { source, request } = subject;
		const [first, second] = request.sectors;
		assert.ok(first !== undefined && second !== undefined);
		const absent = { ...second, number: sectorNumber(second.number + 100_000) };
		const opened = await collect(source.open({ ...request, sectors: [first, absent] }, never));
		assert.ok('proof' in (opened[0] as OpenedSector));
		assert.equal((opened[1] as { failure?: string }).failure, 'missing');
		const foreign = { ...first, commR: second.commR };
		const [mismatch] = await collect(source.open({ ...request, sectors: [foreign] }, never));
		assert.equal((mismatch as { failure?: string }).failure, 'mismatch');
	});

	rule('a consumer that stops, or aborts, ends the job and nothing else', async ({ source, request }) => {
		for await (const opened of source.open(request, never)) {
			assert.ok(opened.sector >= 0);
			break;
		}
		const reason = new Error('enough');
		await assert.rejects(collect(source.open(request, AbortSignal.abort(reason))), reason);
		assert.equal((await proofs(source, request)).length, request.sectors.length);
	});

	rule('holdings are the numbers of the sectors that are there, ascending', async ({ source, request }) => {
		const held = await source.holdings(request.miner);
		for (const { number } of request.sectors) assert.ok(held.includes(number));
		assert.deepEqual(
			held,
			[...held].sort((a, b) => a - b),
		);
		assert.deepEqual(await source.holdings((request.miner + 1) as typeof request.miner), []);
	});

	rule('nothing but the right proof of the right sector gets into the spool', async (subject) => {
		const { source, checker, request, path } = subject;
		const [one, two] = await proofs(source, request);
		assert.ok(one !== undefined && two !== undefined);
		const session = await checker.begin(request, path);
		const bad: Record<string, [SectorNumber, Uint8Array]> = {
			'another sector': [one.sector, two.proof],
			truncated: [one.sector, one.proof.subarray(0, one.proof.length - 1)],
			lengthened: [one.sector, Buffer.concat([one.proof, Buffer.alloc(1)])],
			empty: [one.sector, new Uint8Array(0)],
			'not asked': [sectorNumber(one.sector + 100_000), one.proof],
		};
		for (const at of [0, 8, 50, 60, 100, 1000, one.proof.length >> 1, one.proof.length - 40, one.proof.length - 1]) {
			const flipped = new Uint8Array(one.proof);
			flipped[at] = (flipped[at] ?? 0) ^ 1;
			bad[`bit flipped in byte ${at}`] = [one.sector, flipped];
		}
		const other = await proofs(source, { ...request, randomness: hex32(`00${request.randomness.slice(2)}`) });
		bad['other randomness'] = [one.sector, (other[0] as { proof: Uint8Array }).proof];
		for (const [what, [sector, proof]] of Object.entries(bad)) {
			const verdict = await session.check(sector, proof);
			assert.equal(verdict.ok, false, what);
			assert.ok(!verdict.ok && verdict.code !== 'duplicate', what);
		}
		assert.deepEqual(await session.check(one.sector, one.proof), { ok: true });
		const again = await session.check(one.sector, one.proof);
		assert.equal(!again.ok && again.code, 'duplicate');
		await session.drop();
		assert.equal(existsSync(path), false);
	});

	rule('a spool that was kept is taken up again with what is good in it', async (subject) => {
		const { source, checker, request, path } = subject;
		const [one, two] = await proofs(source, request);
		assert.ok(one !== undefined && two !== undefined);
		const before: SpoolSession = await checker.begin(request, path);
		await before.check(one.sector, one.proof);
		await before.finish();
		const after = await checker.begin(request, path);
		assert.deepEqual(after.resumed, [one.sector]);
		assert.deepEqual(await after.check(two.sector, two.proof), { ok: true });
		await after.finish();
		await after.drop();
		await after.drop();
		assert.equal(existsSync(path), false);
	});

	rule('a spool that cannot be written is an error of this node, not of the proof', async (subject) => {
		const { checker, request, path } = subject;
		await assert.rejects(checker.begin(request, `${path}/none/spool`), { code: 'spool-io' });
	});

	rule('a spool has one session at a time', async ({ checker, request, path }) => {
		const session = await checker.begin(request, path);
		await assert.rejects(checker.begin(request, path), { code: 'spool-io' });
		await session.finish();
		await (await checker.begin(request, path)).drop();
	});

	rule('a request that cannot be right is refused as such', async ({ checker, request, path }) => {
		const sectors = [...request.sectors].reverse();
		await assert.rejects(checker.begin({ ...request, sectors }, path), { code: 'check-refused' });
	});

	rule('closed ones are unavailable', async ({ source, checker, request, path }) => {
		await source.close();
		await checker.close();
		await assert.rejects(collect(source.open(request, never)), { code: 'vanilla-unavailable' });
		await assert.rejects(source.holdings(request.miner), { code: 'vanilla-unavailable' });
		await assert.rejects(checker.begin(request, path), { code: 'check-unavailable' });
	});
}
