/**
 * The files of the trusted setup that PoSt needs: their names, where they are found and how they are recognised. Copied
 * from `parameters.json` of filecoin-proofs 19.1.0 (SHA-256 b06f9f0c…9f7f), window and winning entries alone.
 */
import { type PoStProofType, proofShape } from './proof.ts';

/** First bytes of a file whose digest is published by itself: what is wrong from the start is known early. */
export interface ParameterHead {
	readonly bytes: number;
	readonly digest: string;
}

export interface ParameterFile {
	/** `v28-….vk` or `v28-….params`, as the proving library looks for it. */
	readonly name: string;
	readonly proofType: PoStProofType;
	readonly part: 'key' | 'parameters';
	/** Content id of an IPFS file: what a gateway is asked for. */
	readonly cid: string;
	/** First 16 bytes of BLAKE2b-512, hexadecimal. */
	readonly digest: string;
	/** Exact for keys; about for parameters, of which only the digest is published: for free space and progress. */
	readonly bytes: number;
	/** Parameters begin with their verifying key. */
	readonly head?: ParameterHead;
}

/** [proof type, tree shape, circuit, key: bytes, digest, cid, parameters: about bytes, digest, cid] */
type Row = readonly [PoStProofType, string, string, number, string, string, number, string, string];

// biome-ignore format: a table is read by its rows
const ROWS: readonly Row[] = [
	[0, '8-0-0', '3ea05428c9d11689f23529cde32fd30aabd50f7d2c93657c1d3650bca3e8ea9e', 13_636, 'ffd79788d614d27919ae5bd2d94eacb6', 'QmSTCXF2ipGA3f6muVo6kHc2URSx6PzZxGUqu7uykaH5KU', 47_300_000, '82c88066be968bb550a05e30ff6c2413', 'QmcSTqDcFVLGGVYz1njhUZ7B6fkKtBumsLUwx4nkh22TzS'],
	[1, '8-0-0', '50c7368dea9593ed0989e70974d28024efa9d156d585b7eea1be22b2e753f331', 13_636, '79ebb55f56fda427743e35053edad8fc', 'QmbmUMa3TbbW3X5kFhExs6WgC4KeWT18YivaVmXDkB6ANG', 113_400_000, '700171ecf7334e3199437c930676af82', 'QmU9SBzJNrcjRFDiFc4GcApqdApN6z9X7MpUr66mJ2kAJP'],
	[2, '8-0-0', '7d739b8cf60f1b0709eeebee7730e297683552e4b69cab6984ec0285663c5781', 13_636, 'bd2cd62f65c1ab84f19ca27e97b7c731', 'QmfA31fbCWojSmhSGvvfxmxaYCpMoXP95zEQ9sLvBGHNaN', 165_300_000, '827359440349fe8f5a016e7598993b79', 'QmVgCsJFRXKLuuUhT3aMYwKVGNA9rDeR6DCrs7cAe8riBT'],
	[3, '8-8-0', '559e581f022bb4e4ec6e719e563bf0e026ad6de42e56c18714a2c692b1b88d7e', 13_636, 'fc02943678dd119e69e7fab8420e8819', 'QmZCvxKcKP97vDAk8Nxs9R1fWtqpjQrAhhfXPoCi1nkDoF', 192_060_000, 'd84f79a16fe40e9e25a36e2107bb1ba0', 'Qmdtczp7p4wrbDofmHdGhiixn9irAcN77mV9AEHZBaTt1i'],
	[4, '8-8-2', 'b62098629d07946e9028127e70295ed996fe3ed25b0f9f88eb610a0ab4385a3c', 13_636, '6d3789148fb6466d07ee1e24d6292fd6', 'QmbfQjPD7EpzjhWGmvWAsyN2mAZ4PcYhsf3ujuhU9CSuBm', 200_000_000, '2170a91ad5bae22ea61f2ea766630322', 'QmVkrXc1SLcpgcudK5J25HH93QvR9tNsVhVTYHm5UymXAz'],
	[10, '8-0-0', '0170db1f394b35d995252228ee359194b13199d259380541dc529fb0099096b0', 3_076, '0e0958009936b9d5e515ec97b8cb792d', 'QmcS5JZs8X3TdtkEBpHAdUYjdNDqcL7fWQFtQz69mpnu2X', 11_500_000, '7610b9f82bfc88405b7a832b651ce2f6', 'QmVxjFRyhmyQaZEtCh7nk2abc7LhFkzhnRX4rcHqCCpikR'],
	[11, '8-0-0', '5294475db5237a2e83c3e52fd6c2b03859a1831d45ed08c4f35dbf9a803165a9', 3_076, '34d4feeacd9abf788d69ef1bb4d8fd00', 'QmUiVYCQUgr6Y13pZFr8acWpSM4xvTXUdcvGmxyuHbKhsc', 30_900_000, 'c49499bb76a0762884896f9683403f55', 'QmdNEL2RtqL52GQNuj8uz6mVj5Z34NVnbaJ1yMyh1oXtBx'],
	[12, '8-0-0', '0cfb4f178bbb71cf2ecfcd42accce558b27199ab4fb59cb78f2483fe21ef36d9', 3_076, '4dae975de4f011f101f5a2f86d1daaba', 'QmfCeddjFpWtavzfEzZpJfzSajGNwfL4RjFXWAvA9TSnTV', 45_300_000, '1a7d4a9c8a502a497ed92a54366af33f', 'QmUiRx71uxfmUE8V3H9sWAsAXoM88KR4eo1ByvvcFNeTLR'],
	[13, '8-8-0', '0377ded656c6f524f1618760bffe4e0a1c51d5a70c4509eedae8a27555733edc', 2_481_508, '0f8ec542485568fa3468c066e9fed82b', 'QmR9i9KL3vhhAqTBGj1bPPC7LvkptxrH9RvxJxLN1vvsBE', 60_780_000_000, '2cf49eb26f1fee94c85781a390ddb4c8', 'QmaUmfcJt6pozn8ndq1JVBzLRjRJdHMTPd4foa8iw5sjBZ'],
	[14, '8-8-2', '2627e4006b67f99cef990c0a47d5426cb7ab0a0ad58fc1061547bf2d28b09def', 2_429_764, '59d2bf1857adc59a4f08fcf2afaa916b', 'QmWV8rqZLxs1oQN9jxNWmnT1YdgLwCcscv94VARrhHf1T7', 62_560_000_000, '3810b7780ac0e299b22ae70f1f94c9bc', 'QmeAN4vuANhXsF8xP2Lx5j2L6yMSdogLzpcvqCJThRGK1V'],
];

/** Every published file of PoSt, keys before the parameters that begin with them. */
export const PUBLISHED_PARAMETERS: readonly ParameterFile[] = ROWS.flatMap(filesOf);

/** Names of sector sizes as people and the proving library write them. */
export const SECTOR_SIZES = ['2KiB', '8MiB', '512MiB', '32GiB', '64GiB'] as const;
/** Window types follow one another in the order of `SECTOR_SIZES`, and so do winning types, from 0 on. */
export const FIRST_WINDOW_TYPE = 10;
export type SectorSizeName = (typeof SECTOR_SIZES)[number];

/** Files for proofs of these types: the keys alone suffice to verify. */
export function parameterFiles(
	proofTypes: readonly PoStProofType[],
	withParameters: boolean,
): readonly ParameterFile[] {
	return PUBLISHED_PARAMETERS.filter(
		({ proofType, part }) => proofTypes.includes(proofType) && (withParameters || part === 'key'),
	);
}

/** Window proof types by the names that a config uses: `window-32GiB`. */
export const WINDOW_TYPES: Readonly<Record<string, PoStProofType>> = Object.fromEntries(
	SECTOR_SIZES.map((size, index) => [`window-${size}`, FIRST_WINDOW_TYPE + index]),
);

/** Winning proof types by the names that a config uses: `winning-32GiB`. */
export const WINNING_TYPES: Readonly<Record<string, PoStProofType>> = Object.fromEntries(
	SECTOR_SIZES.map((size, index) => [`winning-${size}`, index]),
);

/** What a circuit is for, e.g. `window 32GiB`. */
export function circuitName(type: PoStProofType): string {
	return `${proofShape(type).kind} ${SECTOR_SIZES[type % 5]}`;
}

function filesOf([type, shape, circuit, keyBytes, keyDigest, keyCid, bytes, digest, cid]: Row): ParameterFile[] {
	const stem = `v28-proof-of-spacetime-fallback-merkletree-poseidon_hasher-${shape}-${circuit}`;
	return [
		{ name: `${stem}.vk`, proofType: type, part: 'key', cid: keyCid, digest: keyDigest, bytes: keyBytes },
		{
			name: `${stem}.params`,
			proofType: type,
			part: 'parameters',
			cid,
			digest,
			bytes,
			head: { bytes: keyBytes, digest: keyDigest },
		},
	];
}
