/** An HTTP server of one file that answers as told: honest, or in one of the ways in which servers and lines go wrong. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Answer {
	/** Bytes served instead of the file's. */
	readonly bytes?: Buffer;
	/** The line breaks after so many bytes of the body. */
	readonly dropAfter?: number;
	/** Range headers are not heeded. */
	readonly ignoresRange?: boolean;
	readonly status?: number;
	readonly contentRange?: string;
	/** The headers come, and then nothing. */
	readonly silent?: boolean;
}

export class FileServer {
	/** Range header of each request, '' for none. */
	readonly ranges: string[] = [];
	readonly paths: string[] = [];
	readonly #server;
	readonly #bytes: Buffer;
	readonly #answers: Answer[];

	/** The n-th request gets the n-th answer, later ones the last. */
	constructor(bytes: Buffer, answers: readonly Answer[] = [{}]) {
		this.#bytes = bytes;
		this.#answers = [...answers];
		this.#server = createServer((request, response) => this.#serve(request, response));
	}

	async start(): Promise<string> {
		const listening = Promise.withResolvers<void>();
		this.#server.listen(0, '127.0.0.1', listening.resolve);
		await listening.promise;
		return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/ipfs/`;
	}

	stop(): void {
		this.#server.closeAllConnections();
		this.#server.close();
	}

	#serve({ headers, url = '' }: IncomingMessage, response: ServerResponse): void {
		const answer = (this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0]) ?? {};
		this.ranges.push(headers.range ?? '');
		this.paths.push(url);
		const whole = answer.bytes ?? this.#bytes;
		const asked = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
		const start = answer.ignoresRange === true ? 0 : asked;
		if (answer.status !== undefined) {
			response.writeHead(answer.status).end('no');
			return;
		}
		if (start >= whole.length) {
			response.writeHead(416, { 'content-range': `bytes */${whole.length}` }).end('beyond the end');
			return;
		}
		const body = whole.subarray(start);
		response.writeHead(start > 0 ? 206 : 200, {
			'content-length': body.length,
			...(start > 0 && {
				'content-range': answer.contentRange ?? `bytes ${start}-${whole.length - 1}/${whole.length}`,
			}),
		});
		response.flushHeaders();
		if (answer.silent === true) return;
		const { dropAfter } = answer;
		if (dropAfter === undefined) response.end(body);
		else response.write(body.subarray(0, dropAfter), () => response.destroy());
	}
}
