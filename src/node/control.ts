/**
 * The control API: HTTP on a loopback port, for the CLI, dashboards and tests. It trusts nothing but the token in a file
 * that only the node's user can read; the Host check keeps web pages out that resolve their name to 127.0.0.1.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { z } from 'zod';
import { assert, PosterError } from '../domain/errors.ts';
import { actorId, deadlineIndex, partitionIndex } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Log } from '../ports/log.ts';
import type { ComputeRequest, ControlErrorBody, ControlEvent, ControlFile, ControlSource } from './control-api.ts';
import { badRequest, readBody, readJson } from './control-body.ts';
import { paramsRoute } from './control-params.ts';
import { banRows, claimsReport, noItems, shownItems, statusReport } from './control-views.ts';
import { winningRoute } from './control-winning.ts';
import { writeFileAtomic } from './files.ts';

export interface ControlOptions {
	/** Loopback `host:port`, port 0 for a free one. */
	readonly address: string;
	/** control.json of the home. */
	readonly file: string;
}

export interface ControlServer {
	readonly url: string;
	/** Idempotent. Ends open streams and removes the file. */
	close(): Promise<void>;
}

/** Rejects `port-in-use`, `control-address`. */
export async function startControl(source: ControlSource, options: ControlOptions, log: Log): Promise<ControlServer> {
	const token = randomBytes(32).toString('hex');
	const ending = new AbortController();
	const hosts = new Set<string>();
	const app = controlApp(source, { token, hosts, ending: ending.signal }, log);
	// Answers its own failures, so its promise never rejects.
	const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
	const server = createServer(
		{
			connectionsCheckingInterval: 5_000,
			requestTimeout: limits.controlRequestMs,
			headersTimeout: limits.controlRequestMs,
		},
		(request, response) => void listener(request, response),
	);
	server.maxConnections = limits.controlConnections;
	// Closed from here an idle connection may take along the request that is on its way.
	server.keepAliveTimeout = limits.controlIdleMs;
	const port = await listen(server, options.address);
	const host = options.address.slice(0, options.address.lastIndexOf(':'));
	for (const name of [host, '127.0.0.1', 'localhost', '[::1]']) hosts.add(`${name}:${port}`);
	const url = `http://${host}:${port}`;
	const content: ControlFile = { url, token, pid: process.pid };
	await writeFileAtomic(options.file, `${JSON.stringify(content)}\n`, 0o600);
	const close = async (): Promise<void> => {
		ending.abort();
		await rm(options.file, { force: true });
		server.closeAllConnections();
		if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
	};
	return { url, close };
}

interface Access {
	readonly token: string;
	/** Values of the Host header that are this server. */
	readonly hosts: ReadonlySet<string>;
	readonly ending: AbortSignal;
}

/** The routes, without a socket. */
export function controlApp(source: ControlSource, access: Access, log: Log): Hono {
	const app = new Hono();
	app.onError((error, context) => answerError(error, context, log));
	app.notFound((context) => context.json(errorBody('control-not-found', 'no such path; see docs/control.md'), 404));
	app.use(checkHost(access.hosts));
	// Figures without secrets, readable on this machine only: scrapers cannot follow a token that changes at each start.
	app.get('/metrics', async (context) => context.text(await source.metrics()));
	app.use(checkToken(access.token));
	readRoutes(app, source);
	writeRoutes(app, source);
	eventRoute(app, source, access.ending);
	paramsRoute(app, source, access.ending);
	winningRoute(app, source, access.ending);
	return app;
}

function readRoutes(app: Hono, source: ControlSource): void {
	app.get('/claims', (context) => context.json(claimsReport(source.view(shownItems), source.facts().name)));
	app.get('/status', (context) =>
		context.json(statusReport(source.view(noItems), source.facts(), source.roster().roster.version)),
	);
	app.get('/peers', (context) => context.json({ peers: source.view(noItems).peers }));
	app.get('/roster', (context) => {
		const { roster, hash, bytes } = source.roster();
		return context.json({ roster, hash, file: Buffer.from(bytes).toString('base64') });
	});
	app.get('/bans', (context) => context.json({ bans: banRows(source.bans(), source.roster().roster) }));
	app.get('/times', (context) => context.json({ times: source.times() }));
	app.get('/debug/mesh', (context) => context.json(source.debugMesh() as object));
	app.get('/compute/:id', (context) => {
		const state = source.computeState(context.req.param('id'));
		return state === undefined ? unknownRun(context) : context.json(state);
	});
}

function unknownRun(context: Context): Response {
	return context.json(errorBody('compute-unknown', 'no such run, or it is forgotten'), 404);
}

/** Far above what the chain allows: the chain's own bounds are checked by the source. */
const MAX_INDEX = 0xffff;

const ComputeBody = z.strictObject({
	miner: z.int().min(0).optional(),
	deadline: z.int().min(0).max(MAX_INDEX),
	partition: z.int().min(0).max(MAX_INDEX).optional(),
	submit: z.boolean().default(false),
});

function writeRoutes(app: Hono, source: ControlSource): void {
	app.post('/roster', async (context) => {
		const { roster, hash } = await source.setRoster(await readBody(context, limits.rosterBytes));
		return context.json({ version: roster.version, hash });
	});
	app.post('/compute', async (context) => {
		const body = ComputeBody.safeParse(await readJson(context));
		if (!body.success) throw badRequest(z.prettifyError(body.error));
		const { miner, deadline, partition, submit } = body.data;
		const request: ComputeRequest = {
			deadline: deadlineIndex(deadline),
			submit,
			...(miner !== undefined && { miner: actorId(miner) }),
			...(partition !== undefined && { partition: partitionIndex(partition) }),
		};
		return context.json({ id: await source.compute(request) }, 202);
	});
	app.delete('/compute/:id', (context) =>
		source.cancelCompute(context.req.param('id')) ? context.json({ cancelled: true }) : unknownRun(context),
	);
	app.delete('/bans/:peer', (context) => {
		const wanted = context.req.param('peer');
		const rows = banRows(source.bans(), source.roster().roster);
		const ban = rows.find(({ id, name }) => id === wanted || name === wanted);
		if (ban !== undefined && source.pardon(ban.id)) return context.json({ lifted: ban.id });
		return context.json(errorBody('ban-unknown', `${wanted} is not banned here`, BANS_ADVICE), 404);
	});
	app.post('/stop', (context) => {
		source.stop();
		return context.json({ stopping: true }, 202);
	});
}

const BANS_ADVICE = 'Each node bans for itself: `poster-node bans` on the node that refuses the peer.';

/** Server-sent events. A reader that falls behind is cut off: it asks for the state again instead of costing memory. */
function eventRoute(app: Hono, source: ControlSource, ending: AbortSignal): void {
	let streams = 0;
	app.get('/events', (context) => {
		if (streams >= limits.controlStreams) {
			return context.json(errorBody('control-busy', `${streams} event streams are open already`), 503);
		}
		streams++;
		const body = eventStream(source, ending, () => streams--);
		return context.body(body, 200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
	});
}

function eventStream(source: ControlSource, ending: AbortSignal, onEnd: () => void): ReadableStream<Uint8Array> {
	const encoder = new TextEncoder();
	let end = (): void => undefined;
	return new ReadableStream<Uint8Array>(
		{
			start(controller) {
				const send = (text: string): void => {
					if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(text));
					else finish();
				};
				const unsubscribe = source.subscribe((event) => send(eventText(event)));
				const finish = (): void => {
					end();
					controller.close();
				};
				end = once(() => {
					unsubscribe();
					ending.removeEventListener('abort', finish);
					onEnd();
				});
				ending.addEventListener('abort', finish);
				// Makes the headers leave now, so that a client knows from when on it misses nothing.
				send(': open\n\n');
			},
			cancel: () => end(),
		},
		{ highWaterMark: limits.controlQueuedEvents },
	);
}

function eventText(event: ControlEvent): string {
	return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function once(run: () => void): () => void {
	let done = false;
	return () => {
		if (!done) run();
		done = true;
	};
}

function checkHost(hosts: ReadonlySet<string>): MiddlewareHandler {
	return async (context, next) => {
		if (hosts.has(context.req.header('host') ?? '')) return next();
		return context.json(errorBody('control-host', 'the Host header is not the address of this API'), 403);
	};
}

/** Compares digests, so that neither length nor content of the token shows in the time it takes. */
function checkToken(token: string): MiddlewareHandler {
	const wanted = digest(`Bearer ${token}`);
	return async (context, next) => {
		if (timingSafeEqual(digest(context.req.header('authorization') ?? ''), wanted)) return next();
		const advice = "Send the token of control.json in the node's home: Authorization: Bearer <token>.";
		return context.json(errorBody('control-token', 'the token is missing or wrong', advice), 401);
	};
}

function digest(text: string): Buffer {
	return createHash('sha256').update(text).digest();
}

function errorBody(code: string, message: string, advice: string | null = null): ControlErrorBody {
	return { error: { code, message, advice } };
}

/** A coded error is the caller's to act on; anything else is a bug, told in full only to the log. */
function answerError(error: Error, context: Context, log: Log): Response {
	if (error instanceof PosterError) {
		return context.json(errorBody(error.code, error.message, error.advice ?? null), statusOf(error.code));
	}
	log.error({ error, path: context.req.path }, 'control request failed');
	return context.json(errorBody('internal', "the request failed; the node's log says why"), 500);
}

function statusOf(code: string): 400 | 404 | 409 | 413 | 503 {
	if (code === 'params-no-peer' || code === 'params-not-held') return 404;
	if (code === 'params-busy' || code === 'winning-timeout' || code === 'winning-too-many') return 503;
	if (code === 'control-request') return 400;
	if (code === 'control-body') return 413;
	return code.startsWith('store-') || code.startsWith('chain-') ? 503 : 409;
}

function listen(server: Server, address: string): Promise<number> {
	const colon = address.lastIndexOf(':');
	const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
	return new Promise((resolve, reject) => {
		server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(address, error)));
		server.listen(Number(address.slice(colon + 1)), host, () => {
			const bound = server.address();
			assert(bound !== null && typeof bound === 'object', 'a TCP server has a port');
			resolve(bound.port);
		});
	});
}

function listenError(address: string, error: NodeJS.ErrnoException): PosterError {
	if (error.code === 'EADDRINUSE') {
		return new PosterError('port-in-use', `the control API cannot listen on ${address}: the port is in use`, {
			cause: error,
			advice: 'Set another [control] address, or port 0 for a free one.',
			meta: { address },
		});
	}
	return new PosterError('control-address', `the control API cannot listen on ${address}: ${error.message}`, {
		cause: error,
		advice:
			'Set [control] address to a loopback address of this machine and a port above 1023, or port 0 for a free one.',
		meta: { address },
	});
}
