/** `devnet`: runs the embedded chain as a process of its own, with sectors and test parameters made when none are given. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { createClock } from '../../adapters/observe/clock.ts';
import { createLog, type LogLevel } from '../../adapters/observe/log.ts';
import type { Devnet } from '../../devnet/devnet.ts';
import { runDevnet } from '../../devnet/run-devnet.ts';
import { makeWritableFolder } from '../../node/files.ts';
import { type GenesisContent, parseGenesis, readGenesis } from '../demo/genesis-file.ts';
import { type PreparationProgress, prepareNative, prepareParameters, prepareSectors } from '../demo/preparation.ts';
import { progressText } from '../demo/progress-text.ts';
import { untilEnd } from '../end-signals.ts';
import { printJson, printRemark, printText } from '../output.ts';
import { openScratch } from '../scratch.ts';

export interface DevnetCommandOptions {
	/** Tokens, key files, and the sectors of the default miner. */
	readonly dir?: string;
	readonly genesis?: string;
	readonly sectors: number;
	readonly testParameters?: string;
	readonly network: string;
	readonly epochMs: number;
	readonly startEpoch: number;
	readonly seed: string;
	readonly host: string;
	readonly port: number;
	readonly fullNodes: number;
	/** Makes no epoch until `Devnet.Resume` or `Devnet.Mine`. */
	readonly paused?: boolean;
	readonly logLevel: LogLevel;
	readonly json?: boolean;
}

const STDERR = 2;
const MINER = 1000;
const WINDOW_2KIB = 10;

export async function devnet(options: DevnetCommandOptions): Promise<void> {
	await untilEnd((signal) => run(options, signal));
}

async function run(options: DevnetCommandOptions, signal: AbortSignal): Promise<void> {
	const dir = resolve(options.dir ?? join(homedir(), '.poster-devnet'));
	await makeWritableFolder(dir);
	// Before a build of minutes: what is wrong with the file can be said at once.
	const given = options.genesis === undefined ? undefined : await readGenesis(options.genesis);
	const native = await prepareNative(showProgress, signal);
	const testParameters = resolve(options.testParameters ?? (await prepareParameters(native, showProgress, signal)));
	const genesis = given ?? (await defaultGenesis(native, dir, options.sectors, signal));
	const log = createLog({ level: options.logLevel, base: { node: 'devnet' }, destination: STDERR });
	const { network: networkName, epochMs, startEpoch, seed, host, port, fullNodes, paused = false } = options;
	const scratch = await openScratch('poster-devnet-');
	try {
		await runDevnet(
			{
				...genesis,
				...{ networkName, epochMs, startEpoch, seed, host, port, fullNodes, testParameters },
				nativeBinary: native,
				dataDir: dir,
				scratch: join(scratch.path, 'worker'),
				running: !paused,
			},
			{ clock: createClock(), log },
			(running) => announce(running, { dir, testParameters, json: options.json === true }),
			signal,
		);
	} finally {
		log.flush();
		await scratch.remove();
	}
}

/** One miner whose sectors fill the deadlines from the first on. */
async function defaultGenesis(
	native: string,
	dir: string,
	count: number,
	signal: AbortSignal,
): Promise<GenesisContent> {
	const numbers = Array.from({ length: count }, (_, i) => i);
	const sealed = await prepareSectors(
		native,
		{ dir: join(dir, `sectors-${MINER}`), miner: MINER, numbers },
		showProgress,
		signal,
	);
	return parseGenesis({ miners: [{ id: MINER, proofType: WINDOW_2KIB, sectors: sealed.sectors }] }, 'default miner');
}

/** `--json`: one line, for programs that wait for it. */
function announce(
	{ url, urls, faucet, workers }: Devnet,
	{ dir, testParameters, json }: { readonly dir: string; readonly testParameters: string; readonly json: boolean },
): void {
	const miners = [...workers].map(([miner, { address }]) => ({
		miner: `f0${miner}`,
		sender: address,
		keyFile: join(dir, `key-f0${miner}`),
	}));
	const tokenFile = join(dir, 'token-sign');
	if (json) {
		printJson({ event: 'started', url, urls, tokenFile, dir, testParameters, faucet, miners });
		return;
	}
	printText(`Embedded chain at ${url}, token in ${tokenFile}.`);
	for (const other of urls.slice(1)) printText(`  another full node at ${other}`);
	for (const { miner, sender, keyFile } of miners) printText(`  ${miner} sends from ${sender} (key file ${keyFile})`);
	printText(`Test parameters: ${testParameters}`);
}

function showProgress(progress: PreparationProgress): void {
	printRemark(progressText(progress));
}
