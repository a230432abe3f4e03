/**
 * The DHT's own store, in memory: who provides which key. kad-dht keeps whatever a peer sends, without a bound, for two
 * days, and looks through all of it for each question. Here a member has `directoryKeys` records at most, and a question
 * finds its key at once. Nothing is lost with a restart that the providers do not tell again.
 */
import type { KadDHTComponents } from '@libp2p/kad-dht';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Metrics } from '../../ports/metrics.ts';

type Datastore = KadDHTComponents['datastore'];
type Key = Parameters<Datastore['put']>[0];
type Pair = { key: Key; value: Uint8Array };

interface StoredRecord extends Pair {
	readonly expires: number;
}

/** `/dht/provider/<multihash of 34 bytes in base32>/<peer id>`; of values there are none, no validator accepts one. */
const RECORD_KEY = /^(\/dht\/provider\/[a-z2-7]{55})\/([1-9A-HJ-NP-Za-km-z]{1,64})$/;

export class ProviderRecords {
	readonly #clock: Clock;
	readonly #metrics: Metrics;
	/** By the key that is asked for, then by provider. */
	readonly #records = new Map<string, Map<string, StoredRecord>>();
	/** Records of each provider. */
	readonly #counts = new Map<string, number>();
	#size = 0;

	constructor(clock: Clock, metrics: Metrics) {
		this.#clock = clock;
		this.#metrics = metrics;
	}

	/** As much of a datastore as kad-dht uses. */
	get datastore(): Datastore {
		const store: Pick<Datastore, 'put' | 'get' | 'has' | 'delete' | 'query'> = {
			put: (key, value) => {
				this.#put(key, value);
				return key;
			},
			get: () => {
				throw Object.assign(new Error('the directory keeps provider records only'), { name: 'NotFoundError' });
			},
			has: () => false,
			delete: (key) => {
				const found = RECORD_KEY.exec(key.toString());
				if (found !== null) this.#delete(found[1] ?? '', found[2] ?? '');
			},
			query: ({ prefix = '' }) => this.#of(prefix),
		};
		return store as Datastore;
	}

	#put(key: Key, value: Uint8Array): void {
		const found = RECORD_KEY.exec(key.toString());
		if (found === null) {
			this.#refuse('malformed');
			return;
		}
		const [, prefix = '', provider = ''] = found;
		const known = this.#records.get(prefix)?.has(provider) === true;
		const count = this.#counts.get(provider) ?? 0;
		if (!known && (count >= limits.directoryKeys || this.#size >= limits.directoryRecords)) {
			this.#refuse('full');
			return;
		}
		const providers = this.#records.get(prefix) ?? new Map<string, StoredRecord>();
		providers.set(provider, { key, value, expires: this.#clock.now() + limits.directoryValidMs });
		this.#records.set(prefix, providers);
		if (known) return;
		this.#counts.set(provider, count + 1);
		this.#size += 1;
	}

	#refuse(reason: string): void {
		this.#metrics.count('poster_directory_failures_total', { operation: 'store', reason });
	}

	*#of(prefix: string): Generator<Pair> {
		for (const [provider, record] of this.#records.get(prefix) ?? []) {
			if (record.expires < this.#clock.now()) this.#delete(prefix, provider);
			else yield record;
		}
	}

	#delete(prefix: string, provider: string): void {
		const providers = this.#records.get(prefix);
		if (providers?.delete(provider) !== true) return;
		if (providers.size === 0) this.#records.delete(prefix);
		this.#size -= 1;
		const left = (this.#counts.get(provider) ?? 1) - 1;
		if (left === 0) this.#counts.delete(provider);
		else this.#counts.set(provider, left);
	}
}
