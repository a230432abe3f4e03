/**
 * `GET /params/:peer/:name`: a parameter file of a member, with the ranges that a fetch is resumed with. The command that
 * fetches has no connection of its own to the mesh.
 */
import type { HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import { isPosterError, PosterError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { ControlSource } from './control-api.ts';
import { noItems } from './control-views.ts';
import type { PeerFile } from './params-exchange.ts';

/** Answers 404 `params-no-peer` or `params-not-held`, 503 `params-busy`, 409 `stream-…`. `ending`: the API closes. */
export function paramsRoute(app: Hono, source: ControlSource, ending: AbortSignal): void {
	let transfers = 0;
	app.get('/params/:peer/:name', async (context) => {
		const { peer, name } = context.req.param();
		const offset = Number(/^bytes=(\d{1,15})-$/.exec(context.req.header('range') ?? '')?.[1] ?? 0);
		if (transfers >= limits.paramsTransfers) throw busy(transfers);
		transfers++;
		let isOver = false;
		const over = (): void => {
			if (!isOver) transfers--;
			isOver = true;
		};
		try {
			const signal = AbortSignal.any([ending, context.req.raw.signal]);
			const { total, chunks } = await fileOf(source, peer, name, offset, signal);
			if (offset >= total) {
				over();
				return context.body(null, 416, { 'content-range': `bytes */${total}` });
			}
			const { outgoing } = context.env as Partial<HttpBindings>;
			const body = pulledStream(chunks, over, () => outgoing?.destroy());
			const headers = { 'content-type': 'application/octet-stream', 'content-length': String(total - offset) };
			if (offset === 0) return context.body(body, 200, headers);
			return context.body(body, 206, { ...headers, 'content-range': `bytes ${offset}-${total - 1}/${total}` });
		} catch (error) {
			over();
			throw error;
		}
	});
}

async function fileOf(
	source: ControlSource,
	peer: string,
	name: string,
	offset: number,
	signal: AbortSignal,
): Promise<PeerFile> {
	const member = source.view(noItems).peers.find(({ node }) => node === peer);
	if (member === undefined) {
		throw new PosterError('params-no-peer', 'no such member', { advice: 'GET /peers lists them.' });
	}
	const file = await source.params(member.node, name, offset, signal);
	if (file !== undefined && file.total > 0) return file;
	throw new PosterError('params-not-held', `${member.name} does not hold ${name}`, { advice: 'Ask another member.' });
}

/** Read as fast as the reader reads. A source that fails breaks the connection off: less than was promised is no end. */
function pulledStream(
	chunks: AsyncIterable<Uint8Array>,
	over: () => void,
	breakOff: () => void,
): ReadableStream<Uint8Array> {
	const iterator = chunks[Symbol.asyncIterator]();
	return new ReadableStream<Uint8Array>(
		{
			async pull(controller) {
				try {
					const { done, value } = await iterator.next();
					if (done !== true) {
						controller.enqueue(value);
						return;
					}
					over();
					controller.close();
				} catch (error) {
					over();
					if (!isPosterError(error)) throw error;
					breakOff();
					controller.close();
				}
			},
			async cancel() {
				over();
				await iterator.return?.();
			},
		},
		{ highWaterMark: 1 },
	);
}

function busy(transfers: number): PosterError {
	return new PosterError('params-busy', `${transfers} files are fetched through this node already`, {
		advice: 'Try again when one is done.',
		meta: { transfers },
	});
}
