/** Bodies of requests to the control API: bounded, and JSON where they are to be. */
import type { Context } from 'hono';
import { PosterError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';

/** Rejects `control-body` above `maxBytes`, without taking more of it. */
export async function readBody(context: Context, maxBytes: number): Promise<Buffer> {
	const chunks: Uint8Array[] = [];
	let length = 0;
	for await (const chunk of context.req.raw.body ?? []) {
		length += chunk.length;
		if (length > maxBytes)
			throw new PosterError('control-body', `at most ${maxBytes} bytes are taken`, {
				advice: 'See docs/control.md for the shape of the request.',
			});
		chunks.push(chunk);
	}
	return Buffer.concat(chunks);
}

/** Rejects `control-body`, `control-request`. */
export async function readJson(context: Context): Promise<unknown> {
	const text = (await readBody(context, limits.controlBodyBytes)).toString('utf8');
	try {
		return JSON.parse(text);
	} catch (error) {
		if (error instanceof SyntaxError) throw badRequest('the body is no JSON');
		throw error;
	}
}

export function badRequest(message: string): PosterError {
	return new PosterError('control-request', message, { advice: 'See docs/control.md for the shape of the request.' });
}
