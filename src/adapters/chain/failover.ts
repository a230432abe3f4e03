/**
 * Several full nodes as one: calls go to the one that answered last, in the configured order at first, and move on to
 * the next when it cannot be reached or does not answer in time. Any other error is an answer and is not asked for twice.
 */
import { assert } from '../../domain/errors.ts';
import { mayFailOver } from './errors.ts';
import type { RpcEndpoint, RpcRequest } from './rpc-endpoint.ts';

export class Failover {
	readonly #endpoints: readonly RpcEndpoint[];
	#current = 0;

	constructor(endpoints: readonly RpcEndpoint[]) {
		assert(endpoints.length > 0, 'there is a full node');
		this.#endpoints = endpoints;
	}

	get current(): RpcEndpoint {
		return this.#at(this.#current);
	}

	/** Calls each endpoint once at most; rejects with the error of the last one. */
	async call<T>(request: RpcRequest<T>, signal: AbortSignal): Promise<T> {
		const first = this.#current;
		for (let tried = 1; ; tried++) {
			const index = first + tried - 1;
			try {
				const answer = await this.#at(index).call(request, signal);
				if (tried > 1) this.#current = index % this.#endpoints.length;
				return answer;
			} catch (error) {
				if (tried === this.#endpoints.length || !mayFailOver(error)) throw error;
			}
		}
	}

	/** Whoever found out that `endpoint` is dead by other means than a call: the next one is current, if it still was. */
	leave(endpoint: RpcEndpoint): void {
		if (this.current === endpoint) this.#current = (this.#current + 1) % this.#endpoints.length;
	}

	#at(index: number): RpcEndpoint {
		const endpoint = this.#endpoints[index % this.#endpoints.length];
		assert(endpoint !== undefined, 'the index is within the list');
		return endpoint;
	}
}
