/**
 * Digests the bytes of one parameter file as they come, in order. The verifying key at the head of the parameters is
 * judged as soon as it is complete: a file of another circuit is known after megabytes, not after 57 GiB.
 */
import { PosterError } from '../../domain/errors.ts';
import { circuitName, type ParameterFile, PUBLISHED_PARAMETERS } from '../../domain/parameters.ts';
import { ParameterDigest } from './digest.ts';

export class FileDigest {
	readonly #file: ParameterFile;
	readonly #digest = new ParameterDigest();
	#bytes = 0;

	constructor(file: ParameterFile) {
		this.#file = file;
	}

	get bytes(): number {
		return this.#bytes;
	}

	/** Throws `params-circuit` at the end of a head that is not the published one. */
	update(chunk: Uint8Array): void {
		const { head } = this.#file;
		const rest = head === undefined ? 0 : head.bytes - this.#bytes;
		if (head === undefined || rest <= 0 || rest > chunk.length) {
			this.#add(chunk);
			return;
		}
		this.#add(chunk.subarray(0, rest));
		const found = this.#digest.soFar();
		if (found !== head.digest) throw otherCircuit(this.#file, found);
		this.#add(chunk.subarray(rest));
	}

	/** Throws `params-digest` unless all bytes so far are the file. */
	check(): void {
		const found = this.#digest.soFar();
		if (found === this.#file.digest) return;
		throw new PosterError(
			'params-digest',
			`${this.#file.name} has the digest ${found}, published is ${this.#file.digest} (${this.#bytes} bytes)`,
			{
				advice: 'Remove it and run `poster-node params fetch` again.',
				meta: { file: this.#file.name, found, bytes: this.#bytes },
			},
		);
	}

	#add(bytes: Uint8Array): void {
		this.#digest.update(bytes);
		this.#bytes += bytes.length;
	}
}

function otherCircuit(file: ParameterFile, found: string): PosterError {
	const known = PUBLISHED_PARAMETERS.find(({ digest }) => digest === found);
	const whose =
		known === undefined ? 'of an unknown circuit, or of test parameters' : `of ${circuitName(known.proofType)}`;
	return new PosterError(
		'params-circuit',
		`${file.name} should hold the parameters of ${circuitName(file.proofType)}; its verifying key is ${whose}`,
		{
			advice: 'Remove it and run `poster-node params fetch` again; test parameters belong into a folder of their own.',
			meta: { file: file.name, found },
		},
	);
}
