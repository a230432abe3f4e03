/**
 * An executable in the place of `poster-native` that misbehaves in one chosen way: `node native-worker.ts BEHAVIOUR`.
 * Behaviours that answer echo each frame back: header and body, with the type `echo`.
 */
import { spawn } from 'node:child_process';
import { FrameDecoder, frameHead, type NativeFrame } from '../../src/adapters/native/frame.ts';

const behaviour = process.argv[2];
const NO_BODY = new Uint8Array(0);

function say(header: Readonly<Record<string, unknown>>, body: Uint8Array = NO_BODY): void {
	process.stdout.write(Buffer.concat([frameHead(header, body.length), body]));
}

function sayByteByByte(header: Readonly<Record<string, unknown>>, body: Uint8Array): void {
	for (const byte of Buffer.concat([frameHead(header, body.length), body])) process.stdout.write(Uint8Array.of(byte));
}

function rawFrame(total: number, headerBytes: number, rest: string): Buffer {
	const prefix = Buffer.alloc(8);
	prefix.writeUInt32LE(total, 0);
	prefix.writeUInt32LE(headerBytes, 4);
	return Buffer.concat([prefix, Buffer.from(rest)]);
}

function answer(frame: NativeFrame): void {
	const { job } = frame.header;
	switch (behaviour) {
		case 'crash':
			process.exit(3);
			break;
		case 'fatal-on-job':
			say({ type: 'fatal', code: 'bad-header', reason: 'a test made it so', advice: 'none' });
			process.exit(2);
			break;
		case 'garbage':
			process.stdout.write(Buffer.alloc(5000, 0xff));
			break;
		case 'length-4gib':
			process.stdout.write(rawFrame(0xffff_ffff, 2, '{}'));
			break;
		case 'header-longer-than-frame':
			process.stdout.write(rawFrame(6, 100, '{}'));
			break;
		case 'no-json':
			process.stdout.write(rawFrame(7, 3, '{a}'));
			break;
		case 'no-object':
			process.stdout.write(rawFrame(6, 2, '[]'));
			break;
		case 'no-job':
			say({ type: 'echo' });
			break;
		case 'wrong-type':
			say({ type: 'verified', job, ok: 'yes' });
			break;
		case 'failed':
			say({
				type: 'failed',
				job,
				code: typeof frame.header['fail'] === 'string' ? frame.header['fail'] : 'queue-full',
				reason: 'no',
				advice: 'wait',
			});
			break;
		case 'leaves-gpu':
			say({ type: 'failed', job, code: 'gpu-fallback', reason: 'the library left the GPU', advice: 'none' });
			setTimeout(() => process.exit(3), 100);
			break;
		case 'leaves-gpu-and-stays':
			say({ type: 'failed', job, code: 'gpu-fallback', reason: 'the library left the GPU', advice: 'none' });
			break;
		case 'sector-5-missing':
			say({ type: 'sector-failed', job, sector: 5, code: 'missing', detail: 'no file' });
			say({ type: 'done', job });
			break;
		case 'mute':
			break;
		case 'proves-alarmed':
		case 'proves-own':
			say(
				{
					type: 'proof',
					job,
					phases: { prove: 1 },
					ms: 1,
					engine: behaviour === 'proves-own' ? 'own' : 'stock',
					alarm: behaviour === 'proves-own' ? null : `given up, asked for stock: ${frame.header['stock'] === true}`,
				},
				new Uint8Array(192),
			);
			break;
		case 'byte-by-byte':
			sayByteByByte({ ...frame.header, type: 'echo' }, frame.body);
			break;
		default:
			say(
				{ ...frame.header, type: 'echo', pid: process.pid, cwd: process.cwd(), tmp: process.env['TMPDIR'] },
				frame.body,
			);
	}
}

if (behaviour === 'fatal') {
	say({ type: 'fatal', code: 'published-key', reason: 'a published key', advice: 'another folder' });
	process.exit(2);
}
if (behaviour === 'refuses') {
	say({ type: 'fatal', code: 'bad-arguments', reason: 'unknown option --own-dir', advice: 'see the options' });
	process.exit(2);
}
if (behaviour === 'refuses-mutely') process.exit(2);
if (behaviour === 'exit-at-start') process.exit(1);
// A grandchild that keeps the pipes open after this process.
if (behaviour === 'parent') {
	const grandchild = spawn('sleep', ['60'], { stdio: 'inherit', detached: true });
	process.stderr.write(`grandchild ${grandchild.pid}\n`);
	grandchild.unref();
}
if (behaviour === 'stubborn') {
	process.on('SIGTERM', () => undefined);
	setInterval(() => undefined, 1000);
}
if (behaviour === 'chatty') for (let i = 0; i < 5000; i++) process.stderr.write(`line ${i} ${'x'.repeat(100)}\n`);
const gpus = behaviour === 'gpu' ? ['a GPU'] : [];
if (behaviour !== 'never-ready') say({ type: 'ready', mode: 'fake', pid: process.pid, gpus, engine: process.argv[3] });
if (behaviour === 'never-ready') setInterval(() => undefined, 1000);

if (behaviour !== 'deaf') {
	const decoder = new FrameDecoder();
	process.stdin.on('data', (chunk: Buffer) => {
		for (const frame of decoder.push(chunk)) answer(frame);
	});
	process.stdin.on('end', () => {
		if (behaviour !== 'stubborn') process.exit(0);
	});
} else {
	setInterval(() => undefined, 1000);
}
