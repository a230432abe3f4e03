/**
 * Several full nodes as one: calls go to the one that answered last, in the configured order at first, and move on to
 * the next when it cannot be reached or does not answer in time. Any other error is an answer and is not asked for twice.
 * Before its first use, and again after each time that it was away, a full node must be admitted: what answers at an
 * address may follow another network, whose heads, randomness and nonces would be taken for ours.
 */
import { assert } from '../../domain/errors.ts';
import { isAway, mayFailOver } from './errors.ts';
import type { RpcEndpoint, RpcRequest } from './rpc-endpoint.ts';

export class Failover {
	readonly #endpoints: readonly RpcEndpoint[];
	readonly #check: (endpoint: RpcEndpoint) => Promise<void>;
	/** Checks that go on or have passed. */
	readonly #admitted = new Map<RpcEndpoint, Promise<void>>();
	#current = 0;

	/** `check` rejects for a full node that must not be used: `chain-network`, or as its calls do. */
	constructor(endpoints: readonly RpcEndpoint[], check: (endpoint: RpcEndpoint) => Promise<void>) {
		assert(endpoints.length > 0, 'there is a full node');
		this.#endpoints = endpoints;
		this.#check = check;
	}

	get current(): RpcEndpoint {
		return this.#at(this.#current);
	}

	/** Admits all that answer; rejects as `each`. */
	async admitAll(): Promise<void> {
		await this.each((endpoint) => this.admit(endpoint));
	}

	/** The results of those that answer. Rejects what one answers instead, or, when none answers, the first one's error. */
	async each<T>(run: (endpoint: RpcEndpoint) => Promise<T>): Promise<T[]> {
		const settled = await Promise.allSettled(this.#endpoints.map(run));
		const failures = settled.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []));
		const answered = failures.find((reason) => !isAway(reason));
		if (answered !== undefined) throw answered;
		if (failures.length === this.#endpoints.length) throw failures[0];
		return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
	}

	/** Rejects what the check of the endpoint rejects. */
	async admit(endpoint: RpcEndpoint): Promise<void> {
		let check = this.#admitted.get(endpoint);
		if (check === undefined) {
			check = this.#check(endpoint);
			this.#admitted.set(endpoint, check);
		}
		try {
			await check;
		} catch (error) {
			this.#admitted.delete(endpoint);
			throw error;
		}
	}

	/** Calls each endpoint once at most; rejects with the error of the last one. */
	async call<T>(request: RpcRequest<T>, signal: AbortSignal): Promise<T> {
		const first = this.#current;
		for (let tried = 1; ; tried++) {
			const index = first + tried - 1;
			const endpoint = this.#at(index);
			try {
				await this.admit(endpoint);
				const answer = await endpoint.call(request, signal);
				if (tried > 1) this.#current = index % this.#endpoints.length;
				return answer;
			} catch (error) {
				if (!mayFailOver(error)) throw error;
				this.#admitted.delete(endpoint);
				if (tried === this.#endpoints.length) throw error;
			}
		}
	}

	/** Whoever found out that `endpoint` is dead by other means than a call: the next one is current, if it still was. */
	leave(endpoint: RpcEndpoint): void {
		this.#admitted.delete(endpoint);
		if (this.current === endpoint) this.#current = (this.#current + 1) % this.#endpoints.length;
	}

	#at(index: number): RpcEndpoint {
		const endpoint = this.#endpoints[index % this.#endpoints.length];
		assert(endpoint !== undefined, 'the index is within the list');
		return endpoint;
	}
}
