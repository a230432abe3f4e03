/**
 * An executable in the place of `poster-native vanilla` that serves another sector's bytes: it lets the real worker
 * open the sectors, and damages each proof on its way out. `node lying-worker.ts WORKER ARGUMENTS…`.
 */
import { spawn } from 'node:child_process';
import { FrameDecoder, frameHead } from '../../src/adapters/native/frame.ts';

const [worker, ...args] = process.argv.slice(2);
if (worker === undefined) throw new Error('no worker named');

const child = spawn(worker, args, { stdio: ['pipe', 'pipe', 'inherit'] });
process.stdin.pipe(child.stdin);
child.once('exit', (code) => process.exit(code ?? 1));

/** Proof of the sector that was opened before: the lie about the next one. */
let before: Uint8Array | undefined;
const decoder = new FrameDecoder();
child.stdout.on('data', (chunk: Buffer) => {
	for (const { header, body } of decoder.push(chunk)) {
		const lies = header['type'] === 'sector';
		const told = lies ? forged(Number(header['sector']), before ?? body) : body;
		if (lies) before = Uint8Array.from(body);
		process.stdout.write(Buffer.concat([frameHead(header, told.length), told]));
	}
});

/** The right sector number at the head of the wrong bytes; the last byte differs, so that it is wrong even for itself. */
function forged(sector: number, proof: Uint8Array): Uint8Array {
	const lie = Buffer.from(proof);
	lie.writeBigUInt64LE(BigInt(sector), 0);
	lie[lie.length - 9] = (lie[lie.length - 9] ?? 0) ^ 1;
	return lie;
}
