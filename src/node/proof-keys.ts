/** What this node can verify and prove: the accepted keys in the parameter folder, and which parameters lie beside them. */
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../codec/work-id.ts';
import type { SlotFilter } from '../core/api.ts';
import { PosterError } from '../domain/errors.ts';
import type { Hex32 } from '../domain/ids.ts';
import { circuitName } from '../domain/parameters.ts';
import { isWindowProofType, type PoStProofType } from '../domain/proof.ts';
import type { Verifier, VerifyingKey } from '../ports/verifier.ts';
import type { Config } from './config.ts';
import { planSlots } from './slot-filters.ts';

export interface ProofKeys {
	/** SHA-256 over the sorted digests of the window keys in use; null when this node cannot verify. */
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
	// Members compare it: keys of winning PoSt lie only where that is wanted.
	const inUse = keys.filter(({ proofType }) => isWindowProofType(proofType));
	const digests = inUse.map(({ sha256 }) => sha256).sort();
	return {
		keysHash: inUse.length === 0 ? null : sha256Hex(Buffer.from(digests.join(''), 'hex')),
		...planSlots(
			{ prover },
			{
				own: prover === undefined || prover.slots.length === 0 ? [] : await provableTypes(folder, option, keys),
				verifiable: windowTypes(keys),
			},
		),
	};
}

/** What a node can do of winning PoSt. */
export interface WinningTypes {
	/** Types whose parameters are here and that this node is to prove; empty without the prover role. */
	readonly provable: readonly PoStProofType[];
	/** Types whose verifying key is here and accepted. */
	readonly verifiable: readonly PoStProofType[];
}

/** Rejects `winning-no-key` where no winning proof can be verified, `winning-no-params` for a type that is to be proven. */
export async function readWinningTypes({ proofs, prover, winning }: Config, verifier: Verifier): Promise<WinningTypes> {
	const folder = proofs.testParameters ?? proofs.params;
	const keys = (await verifier.keys()).filter(({ proofType }) => !isWindowProofType(proofType));
	if (keys.length === 0) {
		throw new PosterError('winning-no-key', `${folder} holds no accepted key of a winning PoSt`, {
			advice: '`poster-node params fetch --kind winning` brings it; or remove [winning] on this machine.',
			meta: { folder },
		});
	}
	const present = prover === undefined ? [] : await withParameters(folder, keys);
	const wanted = winning?.proofTypes ?? present;
	const missing = prover === undefined ? undefined : wanted.find((type) => !present.includes(type));
	if (missing !== undefined) {
		throw new PosterError('winning-no-params', `${folder} does not hold the parameters of ${circuitName(missing)}`, {
			advice: '`poster-node params fetch --kind winning` brings them; or remove the type from [winning] proof_types.',
			meta: { folder, proofType: missing },
		});
	}
	return {
		provable: present.filter((type) => wanted.includes(type)),
		verifiable: keys.map(({ proofType }) => proofType).sort((a, b) => a - b),
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
	const types = await withParameters(
		folder,
		keys.filter(({ proofType }) => isWindowProofType(proofType)),
	);
	if (types.length > 0) return types;
	throw new PosterError('prover-no-params', `${folder} holds no parameters of a WindowPoSt with an accepted key`, {
		advice: `Name the folder with [proofs] ${option}, or remove [prover] on this machine.`,
		meta: { folder },
	});
}

/** Types of those keys whose parameters lie beside them, ascending. */
async function withParameters(folder: string, keys: readonly VerifyingKey[]): Promise<readonly PoStProofType[]> {
	const types: PoStProofType[] = [];
	for (const { name, proofType } of keys) {
		if (await exists(join(folder, name.replace(/\.vk$/, '.params')))) types.push(proofType);
	}
	return types.sort((a, b) => a - b);
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
