/** One running node: the core in its loop, and the parts that carry out its decisions. */
import type { CoreConfig } from '../core/api.ts';
import { currentEpoch } from '../core/epoch-clock.ts';
import { step } from '../core/poster.ts';
import { ownEstimates } from '../core/timing.ts';
import { Bitfield } from '../domain/bitfield.ts';
import { PosterError } from '../domain/errors.ts';
import type { Epoch } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { WorkItem } from '../domain/work.ts';
import type { Clock } from '../ports/clock.ts';
import type { Spool } from '../ports/vanilla.ts';
import { buildChain } from './chain/build-chain.ts';
import { serveDryRuns } from './chain/dry-run-exchange.ts';
import { configuredEpochMs, configuredRoles } from './config.ts';
import { Effects } from './effects.ts';
import { Ending } from './ending.ts';
import { EventHub } from './event-hub.ts';
import { Finding } from './finding.ts';
import { buildGathering } from './gather/build-gathering.ts';
import type { Gatherer } from './gather/gatherer.ts';
import { type GuardedLoop, guardedLoop } from './guarded-loop.ts';
import { HoldingsWatch } from './holdings-watch.ts';
import { Inbound } from './inbound.ts';
import { ManifestExchange } from './manifest-exchange.ts';
import { Measuring } from './measure.ts';
import type { ChainParts, Context } from './node-context.ts';
import { openControl } from './open-control.ts';
import type { Outside } from './outside.ts';
import { serveParams } from './params-exchange.ts';
import { Prober } from './prober.ts';
import { Proving } from './proving.ts';
import { openRecorder } from './recorder/recorder.ts';
import { loadRoster, type SignedRoster } from './roster-file.ts';
import { RosterKeeper } from './roster-keeper.ts';
import { servedMiners } from './served-miners.ts';
import { takesSamples } from './slot-filters.ts';
import type { RunningNode, StartOptions } from './start-options.ts';
import { StepTimes } from './step-times.ts';
import { startCore } from './stored-entries.ts';
import { SyncExchange } from './sync-exchange.ts';
import { AheadLoader } from './vanilla-server/ahead-loader.ts';
import { VanillaServer } from './vanilla-server/vanilla-server.ts';
import { buildWinning, type Winning } from './winning/build-winning.ts';
import { WindowPause } from './winning/window-pause.ts';

const SECOND_MS = 1000;
/** Incarnations travel as u32. */
const INCARNATION_MOST = 2 ** 32 - 1;

export async function runNode(
	options: StartOptions,
	outside: Outside,
	stack: AsyncDisposableStack,
): Promise<RunningNode> {
	const { clock, log, metrics, quarantine, net } = outside;
	const { signal } = options;
	const ending = new Ending(log, () => stack.disposeAsync());
	const fatal = (error: unknown): void => ending.fail(error);
	const stop = (): void => ending.stop(signal.reason ?? new PosterError('node-stopped', 'the node was told to end'));
	signal.addEventListener('abort', stop, { once: true });
	stack.defer(() => signal.removeEventListener('abort', stop));

	const roster = await loadRoster(options.home);
	const { state, aside } = await startCore(outside, coreConfig(options, outside, roster));
	const recorder = openRecorder(options, outside, state);
	stack.defer(() => recorder.close());
	const hub = new EventHub(clock, log, metrics);
	const { loop, enqueue }: GuardedLoop = guardedLoop(outside, {
		step: (event, now) => recorder.watch(event, now, () => step(state, event, now)),
		rest: () => recorder.rest(),
		run: (effect) => effects.run(effect),
		epoch: () => currentEpoch(state.clock, clock.now()),
		fatal,
	});
	const inbound = new Inbound(
		{ identity: options.home.identity, clock, metrics },
		{ network: roster.roster.network, quarantined: (hash) => quarantine.has(hash), enqueue },
		roster.roster,
	);
	const keeper = new RosterKeeper(
		{
			home: options.home,
			mesh: net.mesh,
			log,
			enqueue,
			changed: (newest) => {
				inbound.setRoster(newest);
				outside.wallet?.setRoster(newest);
			},
			moved: fatal,
		},
		roster,
	);
	const times = new StepTimes((step, ms) => metrics.observe('poster_step_seconds', ms / SECOND_MS, { step }));
	const context: Context = { options, outside, stack, state, hub, times, keeper, loop, enqueue, fatal };
	const chain = buildChain(context);
	const { effects, serve, winning } = await buildParts(context, inbound, chain);

	// Gives the leases back before the loop ends; the network is still there then.
	stack.defer(() => {
		enqueue({ type: 'stopping' });
		return loop.stop();
	});
	loop.start();
	if (aside.length > 0) enqueue({ type: 'set-aside', keys: aside });
	const survived = (): void => {
		quarantine.survived().catch((error: unknown) => log.warn({ error }, 'the next start is a careful one for nothing'));
	};
	stack.defer(clock.after(limits.carefulMs, survived));
	await tellManifests(context);
	ending.check();
	serve();
	keeper.apply();
	await net.mesh.start({
		gossip: (relay, bytes) => inbound.take(relay, bytes),
		connected: (peer) => enqueue({ type: 'connected', peer }),
		disconnected: (peer, cause) => enqueue({ type: 'disconnected', peer, cause }),
	});
	ending.check();
	// The process that came second gives way; one that has run for long goes on, and the core stops claiming.
	const startedMs = clock.now();
	void outside.cloned.then((error) => {
		if (clock.now() - startedMs < limits.cloneYieldMs) fatal(error);
	});
	startHoldings(context);
	chain?.follower.start(fatal);
	if (chain !== undefined) stack.defer(() => chain.follower.stop());
	const control = await openControl(context, chain, { winning, stop });
	ending.running();
	log.info({ id: options.home.identity.id, addresses: net.mesh.addresses(), roles: state.config.roles }, 'started');
	return { addresses: net.mesh.addresses(), controlUrl: control, ended: ending.ended };
}

function coreConfig({ home, config }: StartOptions, outside: Outside, { roster, hash }: SignedRoster): CoreConfig {
	const { workers, proofTypes, slotFilters, keysHash, blockDelaySeconds } = outside;
	return {
		self: home.identity.id,
		network: roster.network,
		roster,
		rosterHash: hash,
		roles: configuredRoles(config),
		slots: workers.slots.map(({ name }) => name),
		slotFilters,
		proofTypes,
		keys: keysHash,
		epochMs: configuredEpochMs(config, roster.network) ?? null,
		epochMsGuess: (blockDelaySeconds ?? limits.epochSecondsGuess) * SECOND_MS,
		firstIncarnation: Math.min(Math.max(1, Math.floor(outside.clock.wallMs() / SECOND_MS)), INCARNATION_MOST),
	};
}

async function buildParts(
	context: Context,
	inbound: Inbound,
	chain: ChainParts | undefined,
): Promise<{ effects: Effects; serve: () => void; winning: Winning | undefined }> {
	const { options, outside, stack, state, hub, times, keeper, enqueue, fatal } = context;
	const { clock, log, metrics, book, workers, net } = outside;
	const { streams, directory, mesh } = net;
	const { home, config } = options;
	const vanilla =
		workers.source &&
		new VanillaServer(
			{ source: workers.source, clock, log, metrics },
			{ cacheBytes: config.storage?.cacheBytes ?? 0, threads: config.storage?.threads, emit: enqueue },
		);
	const ahead = vanilla && new AheadLoader({ book, log }, (works) => vanilla.openAhead(works));
	if (vanilla !== undefined) {
		stack.defer(() => vanilla.stop());
		stack.defer(() => ahead?.stop());
		stack.defer(
			onEachEpoch(
				clock,
				() => currentEpoch(state.clock, clock.now()),
				() => vanilla.epochPassed(),
			),
		);
	}
	const { gatherer, questions } = await buildGathering(options, outside, { local: vanilla, times, enqueue });
	if (gatherer !== undefined) stack.defer(() => gatherer.close());
	if (questions !== undefined) stack.defer(() => questions.close());
	const pause: WindowPause = new WindowPause(clock, workers.pausable, () => proving.stoodStill());
	const paused = { slots: new Set(workers.pausable.map(({ name }) => name)), ms: () => pause.pausedMs };
	const measuring = new Measuring(
		{ ...workers, clock, log, metrics },
		{
			proofTypes: outside.proofTypes,
			known: ownEstimates(state).map(({ proofType }) => proofType),
			takes: (slot, proofType) => takesSamples(outside.slotFilters, slot, proofType),
			learn: (slot, proofType, done) => outside.proofTimes.learn(slot, proofType, done),
			paused,
			enqueue,
		},
	);
	stack.defer(() => measuring.stop());
	const proving = new Proving(
		{ slots: measuring.slots, verifier: workers.verifier, book, clock, log },
		{
			spool: (work) => spoolOf(gatherer, work),
			times,
			proofTimes: outside.proofTimes,
			enqueue,
			paused,
			progressed: hub,
		},
	);
	const winning = await buildWinning(context, { local: vanilla, pause });
	const sync = new SyncExchange(
		{ streams, identity: home.identity, log },
		{
			enqueue,
			take: (relay, raw, ageMs) => inbound.takePulled(relay, raw, ageMs),
			roster: () => keeper.current.bytes,
			offerRoster: (bytes) => keeper.offer(bytes),
		},
	);
	const manifests = new ManifestExchange({ streams, book, log }, { enqueue });
	const prober = new Prober({ mesh, streams, clock }, enqueue);
	const serve = (): void => {
		// What a slot tells is stepped through the core, whose effects need all of the parts.
		proving.watchSlots();
		sync.serve();
		manifests.serve();
		prober.serve();
		times.serve(streams);
		if (config.proofs.testParameters === undefined) serveParams(streams, config.proofs.params);
		vanilla?.serveOn(streams);
		if (chain !== undefined) serveDryRuns(streams, { start: chain.announce, takeBack: chain.takeBack });
		winning?.serve(fatal);
		measuring.start(fatal);
	};
	const finding = new Finding(clock, times);
	const effects = new Effects({
		identity: home.identity,
		mesh,
		directory,
		log,
		hub,
		book,
		manifests,
		sync,
		prober,
		gatherer,
		questions,
		proving,
		finding,
		ahead,
		submitter: chain?.submitter,
		partitions: chain?.partitions,
		verifier: workers.verifier,
		enqueue,
		fatal,
	});
	return { effects, serve, winning };
}

/** Calls `passed` once after each change of the epoch; the returned function ends it. */
function onEachEpoch(clock: Clock, current: () => Epoch, passed: () => void): () => void {
	let last = current();
	let cancel = (): void => undefined;
	const look = (): void => {
		const now = current();
		if (now !== last) passed();
		last = now;
		cancel = clock.after(limits.tickMs, look);
	};
	look();
	return () => cancel();
}

async function spoolOf(gatherer: Gatherer | undefined, work: WorkItem): Promise<Spool> {
	if (gatherer === undefined) throw new PosterError('spool-missing', 'this node has no prover role');
	return gatherer.spool(work);
}

/** What was kept on disk is of use again before anybody is asked for it. */
async function tellManifests({ outside, enqueue }: Context): Promise<void> {
	for await (const root of outside.book.roots()) {
		const manifest = await outside.book.get(root);
		if (manifest === undefined) continue;
		enqueue({ type: 'manifest-held', root, sectors: Bitfield.of(manifest.map(({ number }) => number)) });
	}
}

function startHoldings({ options, outside, stack, keeper, enqueue, fatal }: Context): void {
	const { workers, clock, log, net } = outside;
	if (workers.source === undefined) return;
	const miners = () => servedMiners(keeper.current.roster, options.home.identity.id).map(({ miner }) => miner);
	const watch = new HoldingsWatch(
		{ source: workers.source, directory: net.directory, clock, log },
		{ miners, enqueue },
	);
	watch.start(fatal);
	stack.defer(() => watch.stop());
}
