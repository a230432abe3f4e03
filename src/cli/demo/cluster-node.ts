/** One node of a cluster: its process, and its control API with the stream of events. */
import { PosterError } from '../../domain/errors.ts';
import type { ClaimsReport, ControlEvent, StatusReport } from '../../node/control-api.ts';
import type { Home } from '../../node/home.ts';
import { type ControlClient, connectControl } from '../control-client.ts';
import type { OwnedProcess } from './processes.ts';

export type EventListener = (event: ControlEvent, node: ClusterNode) => void;

export class ClusterNode {
	readonly name: string;
	readonly home: Home;
	#process: OwnedProcess | undefined;
	#control: ControlClient | undefined;
	#addresses: readonly string[] = [];
	readonly #listeners = new Set<EventListener>();
	#ending = new AbortController();
	#died: string | undefined;

	constructor(name: string, home: Home) {
		this.name = name;
		this.home = home;
	}

	get process(): OwnedProcess {
		if (this.#process === undefined) throw new PosterError('demo-cluster', `${this.name} was not started`);
		return this.#process;
	}

	get running(): boolean {
		return this.#process?.running === true;
	}

	/** Why the node is gone, when nobody asked it to. */
	get died(): string | undefined {
		return this.#died;
	}

	/** Multiaddrs with peer id. */
	get addresses(): readonly string[] {
		return this.#addresses;
	}

	/** Takes over a process that was just started on this home; resolves when its control API answers. */
	async runs(process: OwnedProcess): Promise<void> {
		this.#process = process;
		this.#ending = new AbortController();
		const started = JSON.parse(await process.firstLine) as { addresses: readonly string[] };
		this.#addresses = started.addresses;
		this.#control = await connectControl(this.home.paths.root);
		await this.#listen(this.#control, this.#ending.signal);
	}

	/** Hears of every event of the node from its start on. */
	onEvent(listener: EventListener): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	get<T>(path: string): Promise<T> {
		if (this.#control === undefined) throw new PosterError('demo-cluster', `${this.name} was not started`);
		return this.#control.get<T>(path);
	}

	claims(): Promise<ClaimsReport> {
		return this.get('/claims');
	}

	status(): Promise<StatusReport> {
		return this.get('/status');
	}

	/** As a power cut of the machine would: no release, no goodbye. */
	async kill(): Promise<void> {
		this.closing();
		this.process.kill('SIGKILL');
		await this.process.exited;
	}

	async stop(): Promise<void> {
		this.closing();
		await this.process.stop();
	}

	/** The end of the event stream is expected from now on. */
	closing(): void {
		this.#ending.abort();
	}

	/** Resolves once the stream is open, from when on nothing is missed. */
	async #listen(control: ControlClient, signal: AbortSignal): Promise<void> {
		const events = await control.events(signal);
		void this.#deliver(events).catch(async (error: unknown) => {
			if (signal.aborted) return;
			// The stream breaks before the process is known to have ended; `died` tells which of the two it was.
			this.#died = `its events broke off: ${error instanceof Error ? error.message : String(error)}`;
			const { code, signal: by } = await this.process.exited;
			this.#died = `it ended by itself (${by ?? `exit code ${code}`})`;
		});
	}

	async #deliver(events: AsyncIterable<ControlEvent>): Promise<void> {
		for await (const event of events) for (const listener of this.#listeners) listener(event, this);
	}
}
