/**
 * Every option of config.toml with its unit, default and trade-off. The parser, the commented file that `init` writes
 * and the table in docs/config.md are all made from this one place.
 */
import { multiaddr } from '@multiformats/multiaddr';
import { z } from 'zod';
import { actorId, attoFil } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { WINDOW_TYPES, WINNING_TYPES } from '../domain/parameters.ts';
import type { PoStProofType } from '../domain/proof.ts';

export interface OptionDoc {
	readonly what: string;
	readonly unit: string;
	/** What raising, lowering or changing it trades. */
	readonly trade: string;
	/** TOML value shown where there is no default. */
	readonly example?: string;
}

export interface SectionDoc {
	readonly what: string;
}

export const optionDocs = z.registry<OptionDoc>();
export const sectionDocs = z.registry<SectionDoc>();

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const LOOPBACK = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[::1\]):(\d{1,5})$/;
const MINER = /^[ft]0\d{1,15}$/;
const FIL = /^\d{1,10}(\.\d{1,18})?$/;

function isMultiaddr(text: string): boolean {
	try {
		return multiaddr(text).getComponents().length > 0;
	} catch (error) {
		if (error instanceof Error) return false;
		throw error;
	}
}

const path = z.string().min(1, 'is empty');
const address = z.string().refine(isMultiaddr, 'is no multiaddr such as /ip4/192.0.2.1/tcp/4101');
const dialAddress = address.refine((text) => text.includes('/p2p/'), 'must end in /p2p/<peer id>');
const command = z.array(z.string()).min(1).max(64);
const miner = z
	.string()
	.regex(MINER, 'is no miner id such as f01000')
	.transform((text) => actorId(Number(text.slice(2))));

function parseFil(text: string): bigint {
	const [whole = '', fraction = ''] = text.split('.');
	return BigInt(whole + fraction.padEnd(18, '0'));
}

const network = z
	.strictObject({
		listen: z.array(address).min(1).max(16).default(['/ip4/0.0.0.0/tcp/4101']).register(optionDocs, {
			what: 'Where this node accepts connections.',
			unit: 'multiaddrs (TCP)',
			trade: 'Port 0 takes a free one, which others can only learn by being dialled.',
		}),
		announce: z.array(address).max(16).default([]).register(optionDocs, {
			what: 'Addresses told to others instead of the listening ones.',
			unit: 'multiaddrs',
			trade: 'Needed behind NAT or a load balancer; a wrong one makes this node unreachable.',
			example: '["/dns4/poster.example.net/tcp/4101"]',
		}),
		bootstrap: z.array(dialAddress).max(64).default([]).register(optionDocs, {
			what: 'Nodes to dial first, beside those given with --bootstrap and by the invitation.',
			unit: 'multiaddrs with peer id',
			trade: 'Two on different machines survive the loss of one; once connected, others are learned.',
			example: '["/ip4/192.0.2.1/tcp/4101/p2p/12D3KooW…"]',
		}),
		dht: z.boolean().default(true).register(optionDocs, {
			what: 'Publish and look up who holds which sectors in the DHT.',
			unit: 'true or false',
			trade: 'Off saves background traffic; holders are then found among connected peers only.',
		}),
	})
	.register(sectionDocs, { what: 'How this node meets the others.' });

/** Heads come over WebSocket with any of the four; where that is refused they are asked for. */
const nodeUrl = z.url({ protocol: /^(https?|wss?)$/, error: 'is no http, https, ws or wss URL' });

const chain = z
	.strictObject({
		url: nodeUrl.register(optionDocs, {
			what: 'JSON-RPC of a full node (Lotus, Forest, Venus).',
			unit: 'URL',
			trade: 'A Lotus gateway is not enough: it lacks StateMinerPartitions and StateMinerSectors.',
			example: '"ws://127.0.0.1:1234/rpc/v1"',
		}),
		token_file: path.optional().register(optionDocs, {
			what: "File with the full node's API token.",
			unit: 'path',
			trade: 'Read permission is enough, except for a submitter with wallet = "node": that needs sign.',
			example: '"~/.lotus/token"',
		}),
		fallback: z
			.array(z.strictObject({ url: nodeUrl, token_file: path.optional() }))
			.max(8)
			.default([])
			.register(optionDocs, {
				what: 'Further full nodes, used in this order while those before cannot be reached.',
				unit: '[{ url = URL, token_file = path }]',
				trade:
					'One machine less to lose. One that follows another network is refused at start, or not used if it was away then; with wallet = "node" each needs a token that may sign.',
				example: '[{ url = "ws://192.0.2.7:1234/rpc/v1", token_file = "/etc/poster-node/token-2" }]',
			}),
	})
	.register(sectionDocs, { what: 'Chain role: follows heads and announces what is due.' });

const storage = z
	.strictObject({
		paths: z.array(path).min(1).max(1024).register(optionDocs, {
			what: 'Folders with sealed/ and cache/, and update/ and update-cache/.',
			unit: 'paths',
			trade: 'A folder that is missing at start is reported and left out.',
			example: '["/mnt/sectors-1", "/mnt/sectors-2"]',
		}),
		threads: z.int().min(1).max(1024).optional().register(optionDocs, {
			what: 'Sectors opened at the same time.',
			unit: 'threads (default: all cores)',
			trade: 'More hides the latency of disks, until the disks thrash.',
			example: '8',
		}),
		cache_bytes: z
			.int()
			.min(MIB)
			.max(64 * GIB)
			.default(512 * MIB)
			.register(optionDocs, {
				what: 'Memory for sectors opened ahead and not yet fetched.',
				unit: 'bytes',
				trade: 'A full 32 GiB partition takes 59 MB; when it is full, sectors are opened on request.',
			}),
		worker: command.optional().register(optionDocs, {
			what: 'Program that opens sectors, instead of the native worker.',
			unit: 'command and arguments',
			trade: 'It must speak docs/native-protocol.md, mode vanilla.',
			example: '["/opt/poster-native", "vanilla"]',
		}),
	})
	.register(sectionDocs, { what: 'Storage role: opens the sectors that lie on this machine.' });

/** What a slot takes; all of it where nothing is said. */
const takes = {
	proof_types: z
		.array(
			z
				.enum(Object.keys(WINDOW_TYPES), { error: `is none of ${Object.keys(WINDOW_TYPES).join(', ')}` })
				.transform((name) => WINDOW_TYPES[name] as PoStProofType),
		)
		.min(1)
		.max(8)
		.optional(),
	miners: z.array(miner).min(1).max(1024).optional(),
};

/** Where a slot runs. */
const place = {
	cpus: z
		.string()
		.regex(/^\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*$/, 'is no list of cores such as 0-7,16')
		.optional(),
	nice: z.int().min(0).max(19).optional(),
};

const slot = z.strictObject({
	kind: z.enum(['cpu', 'gpu']).default('cpu'),
	device: z.int().min(0).max(63).optional(),
	lock_dir: path.optional(),
	threads: z.int().min(1).max(1024).optional(),
	worker: command.optional(),
	...place,
	...takes,
});

const external = z.strictObject({
	bin: path,
	args: z.array(z.string()).max(64).default([]),
	/** As a list: names of variables are nobody's keys to rewrite. */
	env: z
		.record(z.string().regex(/^[A-Za-z_]\w*$/), z.string(), {
			error: 'is a table of texts by names of variables (letters, digits and _)',
		})
		.default({})
		.transform((env) => Object.entries(env)),
	protocol: z.enum(['frames', 'damocles']).default('frames'),
	concurrency: z.int().min(1).max(limits.externalConcurrency).default(1),
	weight: z.int().min(0).max(1000).default(1),
	ready_timeout_ms: z.int().min(100).max(600_000).default(5_000),
	...place,
	...takes,
});

const prover = z
	.strictObject({
		slots: z
			.union([z.int().min(0).max(64), z.array(slot).min(1).max(64)], {
				error:
					'is a count from 1 to 64, or an array of { kind, device, lock_dir, threads, worker, cpus, nice, proof_types, miners }',
			})
			.default(1)
			.transform((slots) => (typeof slots === 'number' ? Array.from({ length: slots }, () => slot.parse({})) : slots))
			.register(optionDocs, {
				what: 'Proofs computed at the same time: a count of CPU slots, or one table per slot.',
				unit: 'count, or [{ kind = "cpu" or "gpu", device = index, lock_dir = path, threads = count, worker = command, cpus = "0-7,16" (Linux), nice = level, proof_types = ["window-32GiB"], miners = ["f01000"] }]',
				trade:
					'A GPU slot runs the CUDA build of the native worker ([native] gpu_worker), one process that sees its device alone; lock_dir is the TMPDIR of a sealing process on the same GPU, so that they take turns. It is untested on hardware (docs/proving.md). Each CPU slot of a 32 GiB miner takes some 100 GB of memory; threads default to cores / slots. The first start measures one proof of each size whose parameters are here, in the background; on a CPU that takes long for large sectors, and until then times are guessed.',
			}),
		memory_bytes: z
			.int()
			.min(MIB)
			.max(64 * 1024 * GIB)
			.optional()
			.register(optionDocs, {
				what: 'Memory that the proofs in own slots may take together, beside the parameters.',
				unit: 'bytes (default: all of the machine, or of its control group)',
				trade: 'Slots that need more are refused at start: 100 GB for each that proves 32 GiB sectors.',
				example: '137438953472',
			}),
		external: z.array(external).max(limits.externalProvers).default([]).register(optionDocs, {
			what: 'Provers of others beside or (slots = 0) instead of the own slots: docs/prover-protocol.md.',
			unit: '[{ bin = path, args = [texts], env = { NAME = "text" }, protocol = "frames" or "damocles", concurrency = proofs at a time, weight = used first if higher (own slots: 1), ready_timeout_ms = ms, cpus, nice, proof_types, miners }]',
			trade:
				'What they prove is verified here like the proof of any peer. Of a Damocles ext-prover every sector of the partition must lie on this node.',
			example: '[{ bin = "/opt/my-prover", args = ["--gpu", "0"], proof_types = ["window-32GiB"] }]',
		}),
	})
	.register(sectionDocs, { what: 'Prover role: claims partitions and computes their proofs.' });

const winning = z
	.strictObject({
		proof_types: z
			.array(
				z
					.enum(Object.keys(WINNING_TYPES), { error: `is none of ${Object.keys(WINNING_TYPES).join(', ')}` })
					.transform((name) => WINNING_TYPES[name] as PoStProofType),
			)
			.min(1)
			.max(5)
			.optional()
			.register(optionDocs, {
				what: 'Sector sizes that this node proves for members and for itself, with [prover].',
				unit: '["winning-32GiB"] (default: all whose winning parameters are here)',
				trade: 'Each keeps 200 MB of parameters in memory.',
				example: '["winning-32GiB"]',
			}),
		miners: z.array(miner).min(1).max(1024).optional().register(optionDocs, {
			what: 'Miners whose winning PoSt this node opens and proves.',
			unit: '[miner ids] (default: all that the roster gives it)',
			trade: 'A machine that proves for many miners may be busy when a block is due.',
			example: '["f01000"]',
		}),
		per_epoch: z.int().min(1).max(64).default(4).register(optionDocs, {
			what: 'Most proofs within the time of an epoch, for one miner: asked for by this node, and made for one member.',
			unit: 'count',
			trade: 'A miner needs one for each epoch that it wins; more lets a member take the machine from window PoSt.',
		}),
		worker: command.optional().register(optionDocs, {
			what: 'Program that makes winning proofs, instead of the native worker on the CPU.',
			unit: 'command and arguments',
			trade: 'It must speak docs/native-protocol.md, mode prove, with the winning types.',
			example: '["/opt/poster-native-gpu", "prove", "--params", "/var/tmp/filecoin-proof-parameters"]',
		}),
	})
	.register(sectionDocs, {
		what: 'Winning PoSt (docs/winning-post.md): off without this section. Storage opens, provers prove, whoever has it may ask.',
	});

const proofs = z
	.strictObject({
		params: path.optional().register(optionDocs, {
			what: 'Folder with the published parameters and verifying keys.',
			unit: 'path (default: FIL_PROOFS_PARAMETER_CACHE of the environment, else /var/tmp/filecoin-proof-parameters)',
			trade:
				'Only read by a node, so that it may be shared with Lotus or Curio. Every node verifies and needs the keys; only provers need the parameters.',
			example: '"/var/tmp/filecoin-proof-parameters"',
		}),
		sources: z
			.array(path)
			.min(1)
			.max(limits.paramsSources)
			.default(['https://proofs.filecoin.io/ipfs/'])
			.register(optionDocs, {
				what: 'Where `poster-node params fetch` gets them from, in this order.',
				unit: 'URLs of IPFS gateways, folders, and "mesh" for the connected provers',
				trade:
					'A copy in the own network is faster, and "mesh" needs a running node; nothing that has not the published digest is kept from anywhere.',
				example: '["/mnt/share/filecoin-proof-parameters", "https://proofs.filecoin.io/ipfs/"]',
			}),
		engine: z.enum(['auto', 'stock', 'own']).default('auto').register(optionDocs, {
			what: 'Which prover own CPU slots use: ours (docs/proving.md) or that of the proving library.',
			unit: 'auto, stock or own',
			trade:
				'auto uses ours for a sector size once `poster-node bench prove --self-test` has made the same proof with both on this machine, bit for bit, and the library before and wherever ours fails; own uses ours untested; stock never uses it.',
		}),
		decoded: path.optional().register(optionDocs, {
			what: 'Folder of our prover: decoded parameters, and the records of its self-tests.',
			unit: 'path (default: decoded/ in the home)',
			trade: 'As large as the parameters of the sizes that were tested: 61 GB for 32 GiB sectors. Slots share it.',
			example: '"/var/lib/poster-node/decoded"',
		}),
		test_parameters: path.optional().register(optionDocs, {
			what: 'Folder with test parameters, whose keys are accepted instead of the published ones.',
			unit: 'path',
			trade: 'Whoever accepts a test key accepts forgeries: refused on mainnet and calibrationnet.',
			example: '"./test-params"',
		}),
	})
	.register(sectionDocs, { what: 'Parameters of the proofs.' });

const native = z
	.strictObject({
		worker: command.optional().register(optionDocs, {
			what: 'The native worker, without its mode.',
			unit: 'command and arguments (default: the one this package builds, or POSTER_NATIVE)',
			trade: 'For a binary that was built elsewhere.',
			example: '["/opt/poster-native"]',
		}),
		gpu_worker: command.optional().register(optionDocs, {
			what: 'The CUDA build of the native worker, for GPU slots.',
			unit: 'command and arguments (default: the one this package builds, or POSTER_NATIVE_CUDA)',
			trade:
				'Building it needs the CUDA toolkit; the binary then needs nothing but the driver, and starts only where one is.',
			example: '["/opt/poster-native-cuda"]',
		}),
		nice: z.int().min(0).max(19).default(10).register(optionDocs, {
			what: 'Priority of proving, checking and opening below the node itself.',
			unit: 'nice level',
			trade: 'Lower competes with the node for the cores: late renewals look like a dead node.',
		}),
	})
	.register(sectionDocs, { what: 'The worker processes.' });

const submitter = z
	.strictObject({
		max_fee_fil: z
			.string()
			.regex(FIL, 'is an amount of FIL in quotes such as "0.5"')
			.default('0.5')
			.transform((text) => attoFil(parseFil(text)))
			.register(optionDocs, {
				what: 'Most that one message may cost: gas limit times fee cap.',
				unit: 'FIL, in quotes',
				trade: 'Too low misses a deadline while the base fee is high; nothing above it is ever signed.',
			}),
		miners: z
			.array(z.strictObject({ miner, wallet: path }))
			.min(1)
			.max(1024)
			.register(optionDocs, {
				what: 'Miners to sign for, and with what.',
				unit: '[{ miner = id, wallet = "node" or path of a Lotus key file }]',
				trade: '"node" signs in the full node (token with sign permission); a key file (mode 0600) signs here.',
				example: '[{ miner = "f01000", wallet = "node" }]',
			}),
	})
	.register(sectionDocs, { what: 'Submitter role: signs and sends the messages. Needs [chain].' });

const spool = z
	.strictObject({
		path: path.optional().register(optionDocs, {
			what: 'Folder for sectors that were fetched and checked and wait for their proof.',
			unit: 'path (default: spool/ in the home)',
			trade: 'A local disk or tmpfs: every byte is read once by the prover.',
			example: '"/var/cache/poster-node"',
		}),
		max_bytes: z
			.int()
			.min(MIB)
			.max(1024 * GIB)
			.default(2 * GIB)
			.register(optionDocs, {
				what: 'Most that the spool may take.',
				unit: 'bytes',
				trade: 'Bounds how many partitions are gathered ahead; a full 32 GiB partition takes 59 MB.',
			}),
	})
	.register(sectionDocs, { what: 'Checked sectors on their way to a prover.' });

const control = z
	.strictObject({
		address: z
			.string()
			.regex(LOOPBACK, { error: 'is no loopback address such as 127.0.0.1:4150', abort: true })
			.refine((text) => Number(LOOPBACK.exec(text)?.[2]) < 65_536, 'has a port above 65535')
			.default('127.0.0.1:0')
			.register(optionDocs, {
				what: 'Where the control API and the metrics answer.',
				unit: 'loopback host:port',
				trade: 'Port 0 takes a free one, which the CLI finds in control.json; a scraper wants a fixed one.',
			}),
	})
	.register(sectionDocs, { what: 'The HTTP API that the CLI uses.' });

export const configSchema = z.strictObject({
	log_level: z.enum(['debug', 'info', 'warn', 'error']).default('info').register(optionDocs, {
		what: 'Least severity that is logged.',
		unit: 'debug, info, warn or error',
		trade: 'info names every change of state; debug grows with the traffic.',
	}),
	epoch_ms: z.int().min(50).max(600_000).optional().register(optionDocs, {
		what: 'Length of an epoch.',
		unit: 'milliseconds (default: 30000 on mainnet and calibrationnet, else learned)',
		trade:
			'Only for networks with a known, odd epoch: a wrong value shifts every deadline. A chain node learns it from five heads, beginning with what its full node says; a node without a chain from eight epochs of what chain nodes say, beginning with 30 s.',
		example: '1000',
	}),
	network: network.prefault({}),
	chain: chain.optional(),
	storage: storage.optional(),
	prover: prover.optional(),
	winning: winning.optional(),
	submitter: submitter.optional(),
	proofs: proofs.prefault({}),
	native: native.prefault({}),
	spool: spool.prefault({}),
	control: control.prefault({}),
});
