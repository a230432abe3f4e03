/**
 * A prover that is not ours, as docs/prover-protocol.md describes it: what another program would have to do, with a hash
 * in the place of the SNARK. It takes any number of jobs at a time and hears of cancels while it works.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { FrameDecoder, type FrameHeader, frameHead, type NativeFrame } from '../../src/adapters/native/frame.ts';
import { type ActorId, hex32, sectorNumber } from '../../src/domain/ids.ts';
import { proofShape } from '../../src/domain/proof.ts';
import type { PostStatement } from '../../src/ports/verifier.ts';
import { fakeProof, fakeVanilla } from './fake-proofs.ts';

const SECTOR_BYTES = 40;
const NO_BODY = new Uint8Array(0);
const jobs = new Map<unknown, AbortController>();

function say(header: FrameHeader, body: Uint8Array = NO_BODY): void {
	process.stdout.write(Buffer.concat([frameHead(header, body.length), body]));
}

function statementOf({ header, body }: NativeFrame): PostStatement {
	const bytes = Buffer.from(body);
	const sectors = [];
	for (let at = 0; at < bytes.length; at += SECTOR_BYTES) {
		const number = sectorNumber(Number(bytes.readBigUInt64LE(at)));
		sectors.push({ number, commR: hex32(bytes.subarray(at + 8, at + SECTOR_BYTES).toString('hex')) });
	}
	return {
		proofType: header['proofType'] as number,
		miner: header['minerId'] as ActorId,
		randomness: hex32(header['randomness'] as string),
		sectors,
	};
}

async function prove(frame: NativeFrame, signal: AbortSignal): Promise<void> {
	const { job, spool, slots } = frame.header;
	const statement = statementOf(frame);
	say({ type: 'phase', job, phase: 'read', state: 'start' });
	const { vanillaBytes } = proofShape(statement.proofType);
	const bytes = await readFile(spool as string).catch(() => undefined);
	const isGood = statement.sectors.every((sector, k) => {
		const at = ((slots as number[])[k] ?? 0) * vanillaBytes;
		return bytes?.subarray(at, at + vanillaBytes).equals(fakeVanilla(statement, sector));
	});
	if (!isGood) {
		say({ type: 'failed', job, code: 'bad-vanilla', reason: 'a vanilla proof is not there', advice: 'none' });
		return;
	}
	say({ type: 'phase', job, phase: 'read', state: 'end', ms: 1 });
	say({ type: 'phase', job, phase: 'prove', state: 'start' });
	await sleep(Number(process.argv[2] ?? 0), undefined, { signal });
	say({ type: 'phase', job, phase: 'prove', state: 'end', ms: 1 });
	say({ type: 'proof', job, phases: { read: 1, prove: 1 } }, fakeProof(statement));
}

async function take(frame: NativeFrame): Promise<void> {
	const { type, job } = frame.header;
	if (type === 'cancel') {
		jobs.get(job)?.abort();
		say({ type: 'cancelled', job, exits: false });
		return;
	}
	const stop = new AbortController();
	jobs.set(job, stop);
	try {
		await prove(frame, stop.signal);
	} catch (error) {
		if (!stop.signal.aborted) throw error;
	} finally {
		jobs.delete(job);
	}
}

const decoder = new FrameDecoder();
say({ type: 'ready', mode: 'prove', gpus: ['example'] });
process.stdin.on('data', (chunk: Buffer) => {
	for (const frame of decoder.push(chunk)) void take(frame);
});
// The end of stdin is the end of the node: nobody waits for the proof any more.
process.stdin.on('end', () => process.exit(0));
