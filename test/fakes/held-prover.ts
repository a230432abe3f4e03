/**
 * An executable in the place of the native worker that ends no proof while a file exists: it lets the real worker prove
 * and tell of it, and holds the proofs back. So a test can kill a prover in the middle of a proof, however fast or busy
 * the machine is. `node held-prover.ts FILE WORKER MODE ARGUMENTS…`.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { FrameDecoder, frameHead } from '../../src/adapters/native/frame.ts';

const POLL_MS = 20;
const [file, worker, mode, ...args] = process.argv.slice(2);
if (file === undefined || worker === undefined || mode === undefined) throw new Error('no file, worker or mode named');

const child = spawn(worker, [mode, ...args], { stdio: ['inherit', mode === 'prove' ? 'pipe' : 'inherit', 'inherit'] });
child.once('exit', (code) => process.exit(code ?? 1));

const decoder = new FrameDecoder();
for await (const chunk of child.stdout ?? []) {
	for (const { header, body } of decoder.push(chunk)) {
		while (header['type'] === 'proof' && existsSync(file)) await sleep(POLL_MS);
		process.stdout.write(Buffer.concat([frameHead(header, body.length), body]));
	}
}
