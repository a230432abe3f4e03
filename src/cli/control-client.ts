/** Talks to the control API of the node that runs on a home; control.json there names its address and token. */
import { z } from 'zod';
import { isPosterError, PosterError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { ControlEvent } from '../node/control-api.ts';
import { readSecretFile } from '../node/files.ts';
import { homePaths } from '../node/home.ts';

const ControlFileShape = z.object({ url: z.url(), token: z.string().min(1), pid: z.int() });
/** What makes an answer to GET /status that of the node that wrote control.json. */
const StatusShape = z.object({ pid: z.int() });
const ErrorShape = z.object({
	error: z.object({ code: z.string(), message: z.string(), advice: z.string().nullable() }),
});

export interface ControlClient {
	/** For requests whose answer is no JSON: a URL with the path, and the headers that it needs. */
	access(path: string): { readonly url: string; readonly headers: Readonly<Record<string, string>> };
	/** The answer's JSON. Rejects `node-not-running`, also when what answers is no node, or the API's own error. */
	get<T>(path: string): Promise<T>;
	/** `timeoutMs`: for what takes longer than an answer usually may. */
	post<T>(path: string, body: Uint8Array | object, timeoutMs?: number): Promise<T>;
	delete(path: string): Promise<void>;
	/** Everything that the node tells from now on, until the signal aborts or the node ends. */
	events(signal: AbortSignal): Promise<AsyncIterable<ControlEvent>>;
}

/** Rejects `node-not-running` when no node left its address in the home. */
export async function connectControl(home: string): Promise<ControlClient> {
	const client = await findControl(home);
	if (client === undefined) throw notRunning(home);
	return client;
}

/** Undefined when no node runs on this home. */
export async function findControl(home: string): Promise<ControlClient | undefined> {
	const paths = homePaths(home);
	const bytes = await readSecretFile(paths.control, limits.keyFileBytes);
	if (bytes === undefined) return undefined;
	const file = parseFile(bytes.toString('utf8'), home);
	const client = new HttpClient(file, home);
	// The file may be left over from a node that was killed, and its port belong to any other program by now.
	return (await client.isAlive()) ? client : undefined;
}

class HttpClient implements ControlClient {
	readonly #file: z.infer<typeof ControlFileShape>;
	readonly #home: string;

	constructor(file: z.infer<typeof ControlFileShape>, home: string) {
		this.#file = file;
		this.#home = home;
	}

	access(path: string): { readonly url: string; readonly headers: Readonly<Record<string, string>> } {
		return { url: `${this.#file.url}${path}`, headers: { authorization: `Bearer ${this.#file.token}` } };
	}

	get<T>(path: string): Promise<T> {
		return this.#request('GET', path);
	}

	post<T>(path: string, body: Uint8Array | object, timeoutMs?: number): Promise<T> {
		return this.#request(
			'POST',
			path,
			body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body),
			timeoutMs,
		);
	}

	async delete(path: string): Promise<void> {
		await this.#request('DELETE', path);
	}

	async events(signal: AbortSignal): Promise<AsyncIterable<ControlEvent>> {
		const response = await this.#fetch('GET', '/events', undefined, signal);
		if (!response.ok || response.body === null) throw this.#controlError(await this.#json(response));
		return serverSentEvents(response.body);
	}

	async isAlive(): Promise<boolean> {
		try {
			const status = StatusShape.safeParse(await this.get('/status'));
			return status.success && status.data.pid === this.#file.pid;
		} catch (error) {
			// A token of ours that is refused: the node of another home has the port by now.
			if (isPosterError(error, 'node-not-running', 'control-token')) return false;
			throw error;
		}
	}

	async #request<T>(
		method: string,
		path: string,
		body?: string | Buffer<ArrayBuffer>,
		timeoutMs: number = limits.controlAnswerMs,
	): Promise<T> {
		const response = await this.#fetch(method, path, body, AbortSignal.timeout(timeoutMs));
		const answer = await this.#json(response);
		if (response.ok) return answer as T;
		throw this.#controlError(answer);
	}

	async #json(response: Response): Promise<unknown> {
		try {
			return await response.json();
		} catch (error) {
			// No JSON, or none within the time: whatever answers there, it is no node.
			throw notRunning(this.#home, error);
		}
	}

	#controlError(answer: unknown): PosterError {
		const parsed = ErrorShape.safeParse(answer);
		if (!parsed.success) return notRunning(this.#home, parsed.error);
		const { code, message, advice } = parsed.data.error;
		return new PosterError(code, message, advice === null ? {} : { advice });
	}

	async #fetch(
		method: string,
		path: string,
		body?: string | Buffer<ArrayBuffer>,
		signal = AbortSignal.timeout(limits.controlAnswerMs),
	): Promise<Response> {
		try {
			return await fetch(`${this.#file.url}${path}`, {
				method,
				headers: { authorization: `Bearer ${this.#file.token}` },
				signal,
				...(body !== undefined && { body }),
			});
		} catch (error) {
			throw notRunning(this.#home, error);
		}
	}
}

const EVENT_DATA = 'data: ';

async function* serverSentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ControlEvent> {
	let rest = '';
	const decoder = new TextDecoder();
	for await (const chunk of body) {
		const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
		rest = lines.pop() ?? '';
		for (const line of lines) {
			if (line.startsWith(EVENT_DATA)) yield JSON.parse(line.slice(EVENT_DATA.length)) as ControlEvent;
		}
	}
}

function parseFile(text: string, home: string): z.infer<typeof ControlFileShape> {
	try {
		return ControlFileShape.parse(JSON.parse(text));
	} catch (error) {
		if (error instanceof SyntaxError || error instanceof z.ZodError) throw notRunning(home, error);
		throw error;
	}
}

function notRunning(home: string, cause?: unknown): PosterError {
	return new PosterError('node-not-running', `no node answers on the home ${homePaths(home).root}`, {
		cause,
		advice: `Start it with \`poster-node start --home ${homePaths(home).root}\`, or name another home with --home.`,
		meta: { home },
	});
}
