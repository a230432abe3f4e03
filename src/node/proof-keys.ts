/** What this node can verify and prove: the accepted keys in the parameter folder, and which parameters lie beside them. */
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../codec/work-id.ts';
import type { SlotFilter } from '../core/api.ts';
import { PosterError } from '../domain/errors.ts';
import type { Hex32 } from '../domain/ids.ts';
import { isWindowProofType, type PoStProofType } from '../domain/proof.ts';
import type { Verifier, VerifyingKey } from '../ports/verifier.ts';
import type { Config } from './config.ts';
import { planSlots } from './slot-filters.ts';

export interface ProofKeys {
	/** SHA-256 over the sorted digests of the verifying keys in use; null when this node cannot verify. */
	readonly keysHash: Hex32 | null;
	/** Window proof types that some slot proves; empty without the prover role. */
	readonly proofTypes: readonly PoStProofType[];
	readonly slotFilters: readonly SlotFilter[];
}

export const NO_KEYS: ProofKeys = { keysHash: null, proofTypes: [], slotFilters: [] };

/** Rejects `config-params` for a folder that cannot be read, `prover-no-params` and `prover-no-key` for slots without what they need. */
export async function readProofKeys({ proofs, prover }: Config, verifier: Verifier): Promise<ProofKeys> {
	const [folder, option] =
		proofs.testParameters === undefined ? [proofs.params, 'params'] : [proofs.testParameters, 'test_parameters'];
	await requireFolder(folder, option);
	const keys = await verifier.keys();
	const digests = keys.map(({ sha256 }) => sha256).sort();
	return {
		keysHash: keys.length === 0 ? null : sha256Hex(Buffer.from(digests.join(''), 'hex')),
		...planSlots(
			{ prover },
			{
				own: prover === undefined || prover.slots.length === 0 ? [] : await provableTypes(folder, option, keys),
				verifiable: windowTypes(keys),
			},
		),
	};
}

/** The worker would say so, too, without the option's name and only as the reason why it does not start. */
async function requireFolder(folder: string, option: string): Promise<void> {
	try {
		await readdir(folder);
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		const what = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
		throw new PosterError('config-params', `the folder of the proof parameters, ${folder}, ${what}`, {
			cause: error,
			advice: `Name the folder that holds them with [proofs] ${option}; \`poster-node params fetch\` brings the published files into it.`,
			meta: { folder },
		});
	}
}

async function provableTypes(
	folder: string,
	option: string,
	keys: readonly VerifyingKey[],
): Promise<readonly PoStProofType[]> {
	const types: PoStProofType[] = [];
	for (const { name, proofType } of keys) {
		if (isWindowProofType(proofType) && (await exists(join(folder, name.replace(/\.vk$/, '.params'))))) {
			types.push(proofType);
		}
	}
	if (types.length > 0) return types.sort((a, b) => a - b);
	throw new PosterError('prover-no-params', `${folder} holds no parameters of a WindowPoSt with an accepted key`, {
		advice: `Name the folder with [proofs] ${option}, or remove [prover] on this machine.`,
		meta: { folder },
	});
}

function windowTypes(keys: readonly VerifyingKey[]): readonly PoStProofType[] {
	return keys.map(({ proofType }) => proofType).filter(isWindowProofType);
}

function exists(path: string): Promise<boolean> {
	return access(path).then(
		() => true,
		() => false,
	);
}
