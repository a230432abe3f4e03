/**
 * The sector lists this node holds, on disk under their root. Everyone who holds one serves it, and without it nobody
 * claims, verifies or submits; so it is written before anybody hears of it.
 */
import { decodeManifest, encodeManifest, manifestRoot } from '../codec/manifest.ts';
import { PosterError } from '../domain/errors.ts';
import type { Hex32 } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Manifest } from '../domain/manifest.ts';
import type { Store } from '../ports/store.ts';

const PREFIX = 'm/';

export class ManifestBook {
	readonly #store: Store;
	/** Decoded lists of the items in hand, least recently used first. */
	readonly #decoded = new Map<Hex32, Manifest>();

	constructor(store: Store) {
		this.#store = store;
	}

	/** Roots on disk, in order: what a node tells its core at start. */
	async *roots(): AsyncIterable<Hex32> {
		for await (const [key] of this.#store.entries(PREFIX)) yield key.slice(PREFIX.length) as Hex32;
	}

	/** The manifest's bytes as they travel. */
	async bytes(root: Hex32): Promise<Uint8Array | undefined> {
		return this.#store.get(PREFIX + root);
	}

	async get(root: Hex32): Promise<Manifest | undefined> {
		const known = this.#decoded.get(root);
		if (known !== undefined) {
			this.#remember(root, known);
			return known;
		}
		const bytes = await this.bytes(root);
		return bytes === undefined ? undefined : this.#remember(root, decodeManifest(bytes));
	}

	/** As `get`; rejects `manifest-missing`: the core acts only on manifests that it was told are held. */
	async require(root: Hex32): Promise<Manifest> {
		const manifest = await this.get(root);
		if (manifest !== undefined) return manifest;
		throw new PosterError('manifest-missing', `the manifest ${root} is not on disk`, { meta: { root } });
	}

	/** Keeps a manifest computed from the chain. */
	async put(manifest: Manifest): Promise<Hex32> {
		return this.putBytes(encodeManifest(manifest));
	}

	/** Keeps a manifest in its travelling form. Throws `bad-cbor` for bytes that are none. */
	async putBytes(bytes: Uint8Array): Promise<Hex32> {
		const root = manifestRoot(bytes);
		if (this.#decoded.has(root)) return root;
		const manifest = decodeManifest(bytes);
		await this.#store.write([{ type: 'put', key: PREFIX + root, value: bytes }]);
		this.#remember(root, manifest);
		return root;
	}

	async forget(root: Hex32): Promise<void> {
		this.#decoded.delete(root);
		await this.#store.write([{ type: 'del', key: PREFIX + root }]);
	}

	#remember(root: Hex32, manifest: Manifest): Manifest {
		this.#decoded.delete(root);
		this.#decoded.set(root, manifest);
		const oldest = this.#decoded.keys().next();
		if (this.#decoded.size > limits.manifestsDecoded && oldest.done !== true) this.#decoded.delete(oldest.value);
		return manifest;
	}
}
