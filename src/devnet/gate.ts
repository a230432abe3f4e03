/**
 * Lets calls through, or holds them: a full node that hangs, for tests of its clients. The chain goes on meanwhile, and
 * control methods always pass.
 */
import { limits } from '../domain/limits.ts';
import { RpcError } from './rpc-error.ts';

export const CONTROL_NAMESPACE = 'Devnet';

export class Gate {
	#opened: PromiseWithResolvers<void> | undefined;
	#waiting = 0;

	get frozen(): boolean {
		return this.#opened !== undefined;
	}

	freeze(): void {
		this.#opened ??= Promise.withResolvers();
	}

	thaw(): void {
		this.#opened?.resolve();
		this.#opened = undefined;
	}

	/** Resolves when the gate is open; rejects when too many wait already. */
	async pass(method = ''): Promise<void> {
		if (this.#opened === undefined || method.startsWith(`${CONTROL_NAMESPACE}.`)) return;
		if (this.#waiting >= limits.devnetWaiting) throw new RpcError('too many calls hang');
		this.#waiting++;
		await this.#opened.promise.finally(() => this.#waiting--);
	}
}
