/**
 * An executable in the place of `poster-native` as it was before it had a prover of its own: the real one, which knows no
 * `--own-dir`. `node older-worker.ts WORKER ARGUMENTS…`.
 */
import { spawn } from 'node:child_process';
import { frameHead } from '../../src/adapters/native/frame.ts';

const [worker, ...args] = process.argv.slice(2);
if (worker === undefined) throw new Error('no worker named');
if (args.includes('--own-dir')) {
	process.stdout.write(
		frameHead({ type: 'fatal', code: 'bad-arguments', reason: 'unknown option --own-dir', advice: 'none' }, 0),
	);
	process.exitCode = 2;
} else {
	const child = spawn(worker, args, { stdio: 'inherit' });
	child.once('exit', (code) => process.exit(code ?? 1));
}
