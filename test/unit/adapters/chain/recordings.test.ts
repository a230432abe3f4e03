/** Every recorded exchange with a Lotus node, replayed over real sockets: the client sends what was sent, and reads what was answered. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { AnswerReader } from '../../../../src/adapters/chain/answer-reader.ts';
import { LotusChain } from '../../../../src/adapters/chain/lotus-chain.ts';
import { RpcEndpoint } from '../../../../src/adapters/chain/rpc-endpoint.ts';
import { messageFromJson, signedMessageFromJson } from '../../../../src/codec/lotus-json.ts';
import { signedMessageCid } from '../../../../src/codec/message.ts';
import { bitfieldFromJson } from '../../../../src/codec/rle-plus.ts';
import { Bitfield } from '../../../../src/domain/bitfield.ts';
import type { TipSetKey } from '../../../../src/domain/chain.ts';
import { isPosterError } from '../../../../src/domain/errors.ts';
import { actorId, attoFil, type CidText, cidText, deadlineIndex, epoch } from '../../../../src/domain/ids.ts';
import { memoryLog } from '../../../support/memory-log.ts';
import { memoryMetrics } from '../../../support/memory-metrics.ts';
import { type NodeAnswer, type NodeRequest, scriptedNode } from '../../../support/scripted-node.ts';
import { systemClock } from '../../../support/system-clock.ts';
import { type RecordedError, type Recording, recordings } from '../../../vectors/lotus-rpc.ts';

type Json = Record<string, unknown>;

const components = { clock: systemClock, log: memoryLog(), metrics: memoryMetrics() };
/** 327 is a call that Lotus never answered: see rpc-bounds.test.ts. */
const exchanges = recordings.filter(({ http_status }) => typeof http_status === 'number');

let current: Recording | undefined;
const node = await scriptedNode({ call: (request) => replay(request, current) });
const chain = new LotusChain(components, { endpoints: [{ url: node.url, token: 'token' }] });
const reader = new AnswerReader();
const endpoint = new RpcEndpoint({ ...components, reader }, { url: node.url, token: 'token' }, 10_000);
after(async () => {
	await chain.close();
	await reader.close();
	await node.close();
});

/** The recorded bytes, under the id that this client gave the request where the recorded one was a number too. */
function replay({ id }: NodeRequest, recorded: Recording | undefined): NodeAnswer {
	assert.ok(recorded?.http_status !== undefined && recorded.response !== undefined);
	const { response, http_status: status } = recorded;
	if (typeof response.raw === 'string') return { status, body: response.raw };
	const answered = (response as Json)['id'];
	return { status, body: typeof answered === 'number' ? { ...response, id } : response };
}

interface Failure {
	readonly code: string;
	readonly rpcCode?: number;
	readonly text?: string;
}

/** How the chain port reports a recorded answer, from the recording alone; undefined when it is a result. */
function failureOf({ http_status, response }: Recording): Failure | undefined {
	const error: RecordedError | undefined = response?.error;
	if (http_status === 401) return { code: 'chain-permission' };
	if (http_status === 503) return { code: 'chain-unreachable' };
	if (error !== undefined) {
		const code = error.message.startsWith('missing permission') ? 'chain-permission' : 'chain-rpc';
		return { code, rpcCode: error.code, text: error.message };
	}
	const readable = response !== undefined && typeof (response as Json)['id'] === 'number' && 'result' in response;
	return readable ? undefined : { code: 'chain-bad-answer' };
}

function assertFailure(error: unknown, expected: Failure, file: string): true {
	assert.ok(isPosterError(error, expected.code), `${file}: ${String(error)}`);
	if (expected.rpcCode !== undefined) assert.equal(error.meta['rpcCode'], expected.rpcCode, file);
	if (expected.text !== undefined) assert.equal(error.message, expected.text.slice(0, 2000), file);
	return true;
}

test('every recorded answer is its result or its error, code and text kept', async () => {
	const seen = new Map<string, number>();
	for (const recorded of exchanges) {
		current = recorded;
		const method = recorded.request?.method?.replace('Filecoin.', '') ?? 'Raw';
		const params = Array.isArray(recorded.request?.params) ? recorded.request.params : [];
		const call = endpoint.call({ method, params, read: (value) => value }, AbortSignal.timeout(10_000));
		const expected = failureOf(recorded);
		if (expected === undefined) assert.deepEqual(await call, recorded.response?.result, recorded.file);
		else await assert.rejects(call, (error) => assertFailure(error, expected, recorded.file));
		const outcome = expected?.code ?? 'result';
		seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
	}
	assert.equal(exchanges.length, 254);
	assert.ok((seen.get('result') ?? 0) > 150 && (seen.get('chain-rpc') ?? 0) > 50, JSON.stringify([...seen]));
});

const cids = (value: unknown): TipSetKey => (value as { '/': CidText }[]).map((cid) => cid['/']);
/** Some recordings left the tipset to the node, which this client never does. */
const someTipSet = [cidText('bafy2bzacebvc3rdem6dl6mjudhte777iuq44qv5rzk7h6iq2ffjnciuacnpic')];
const explicit = (key: unknown): boolean => Array.isArray(key) && key.length > 0;
const at = (key: unknown): TipSetKey => (explicit(key) ? cids(key) : someTipSet);
const id = (address: unknown) => actorId(Number(String(address).slice(2)));
const base64 = (value: unknown): string => Buffer.from(String(value), 'base64').toString('hex');
const tipSet = (value: unknown): Json => {
	const { Cids, Height, Blocks } = value as { Cids: unknown; Height: number; Blocks: Json[] };
	const [block] = Blocks;
	return {
		key: cids(Cids),
		height: Height,
		parents: cids(block?.['Parents']),
		parentBaseFee: BigInt(String(block?.['ParentBaseFee'])),
		timestamp: block?.['Timestamp'],
	};
};

interface Replayed {
	/** The call of the port with the recorded arguments; undefined where the port cannot make it. */
	readonly call: (params: unknown[]) => Promise<unknown> | undefined;
	/** What the port answers, from the recorded result. */
	readonly expect: (result: unknown) => unknown;
}

const number = (value: unknown): number => Number(value);
const same = (value: unknown): unknown => value;
const methods: Record<string, Replayed> = {
	Version: {
		call: () => chain.version(),
		expect: (value) => {
			const { Version, APIVersion, BlockDelay } = value as Json;
			return { version: Version, apiVersion: APIVersion, blockDelaySeconds: BlockDelay };
		},
	},
	StateNetworkName: { call: () => chain.networkName(), expect: same },
	StateNetworkVersion: { call: ([key]) => chain.networkVersion(at(key)), expect: same },
	AuthVerify: { call: () => chain.permissions(), expect: same },
	ChainHead: { call: () => chain.head(), expect: tipSet },
	ChainGetTipSetByHeight: {
		call: ([height, key]) => chain.tipSetByHeight(epoch(number(height)), at(key)),
		expect: tipSet,
	},
	ChainGetTipSetAfterHeight: {
		call: ([height, key]) => chain.tipSetAfterHeight(epoch(number(height)), at(key)),
		expect: tipSet,
	},
	StateMinerProvingDeadline: {
		call: ([miner, key]) => chain.provingDeadline(id(miner), at(key)),
		expect: (value) => {
			const json = value as Json;
			return {
				currentEpoch: json['CurrentEpoch'],
				periodStart: json['PeriodStart'],
				index: json['Index'],
				open: json['Open'],
				close: json['Close'],
				challenge: json['Challenge'],
				faultCutoff: json['FaultCutoff'],
				periodDeadlines: 48,
				provingPeriod: 2880,
				challengeWindow: 60,
				challengeLookback: 20,
				faultDeclarationCutoff: 70,
			};
		},
	},
	StateMinerDeadlines: {
		call: ([miner, key]) => chain.deadlines(id(miner), at(key)),
		expect: (value) =>
			(value as Json[]).map(({ PostSubmissions, DisputableProofCount }) => ({
				postSubmissions: bitfieldFromJson(PostSubmissions),
				disputableProofCount: DisputableProofCount,
			})),
	},
	StateMinerPartitions: {
		call: ([miner, index, key]) => chain.partitions(id(miner), deadlineIndex(number(index)), at(key)),
		expect: (value) =>
			((value as Json[] | null) ?? []).map((json) => ({
				all: bitfieldFromJson(json['AllSectors']),
				faulty: bitfieldFromJson(json['FaultySectors']),
				recovering: bitfieldFromJson(json['RecoveringSectors']),
				live: bitfieldFromJson(json['LiveSectors']),
				active: bitfieldFromJson(json['ActiveSectors']),
			})),
	},
	StateMinerSectors: {
		call: ([miner, field, key]) => {
			const asked = field === null ? Bitfield.ofRuns([{ start: 0, end: 6 }]) : bitfieldFromJson(field);
			return asked.size === 0 ? undefined : chain.sectors(id(miner), asked, at(key));
		},
		expect: (value) =>
			(value as Json[]).map((json) => {
				const { '/': text } = json['SealedCID'] as { '/': string };
				const digest = base32Tail(text);
				return {
					number: json['SectorNumber'],
					sealProof: json['SealProof'],
					sealedCid: text,
					commR: digest,
					updated: false,
				};
			}),
	},
	StateMinerInfo: {
		call: ([miner, key]) => (/^[ft]0\d+$/.test(String(miner)) ? chain.minerInfo(id(miner), at(key)) : undefined),
		expect: (value) => {
			const json = value as Json;
			return {
				owner: json['Owner'],
				worker: json['Worker'],
				controlAddresses: [],
				windowPoStProofType: json['WindowPoStProofType'],
				sectorSize: json['SectorSize'],
				partitionSectors: json['WindowPoStPartitionSectors'],
			};
		},
	},
	StateGetActor: {
		call: ([address, key]) => chain.actor(String(address), at(key)),
		expect: (value) => {
			const { Nonce, Balance } = value as Json;
			return { nonce: Nonce, balance: BigInt(String(Balance)) };
		},
	},
	StateAccountKey: { call: ([address, key]) => chain.accountKey(String(address), at(key)), expect: same },
	StateLookupID: { call: ([address, key]) => chain.lookupId(String(address), at(key)), expect: same },
	StateGetRandomnessFromBeacon: {
		call: ([, height, entropy, key]) =>
			entropy === null ? undefined : chain.postRandomness(actorId(1001), epoch(number(height)), at(key)),
		expect: (value) => {
			const bytes = Buffer.from(String(value), 'base64');
			bytes[31] = (bytes[31] ?? 0) & 0x3f;
			return bytes.toString('hex');
		},
	},
	StateGetRandomnessFromTickets: {
		call: ([, height, , key]) => chain.commitRandomness(epoch(number(height)), at(key)),
		expect: base64,
	},
	GasEstimateMessageGas: {
		call: ([message, , key]) => chain.estimateGas(messageFromJson(message), attoFil(10n ** 17n), at(key)),
		expect: (value) => messageFromJson(value),
	},
	MpoolPending: {
		call: () => chain.pending(senders),
		expect: (value) => (value as Json[]).map((entry) => signedMessageFromJson(entry)),
	},
	MpoolPush: {
		call: ([signed]) => chain.push(signedMessageFromJson(signed)),
		expect: (value) => (value as { '/': string })['/'],
	},
	StateSearchMsg: {
		call: ([key, cid, lookback, allowReplaced]) =>
			allowReplaced === false
				? undefined
				: chain.searchMessage(cidText((cid as { '/': string })['/']), at(key), number(lookback)),
		expect: (value) => {
			if (value === null) return undefined;
			const { Message, Receipt, TipSet, Height } = value as Record<string, Json> & { Height: number };
			return {
				message: Message?.['/'],
				exitCode: Receipt?.['ExitCode'],
				gasUsed: Receipt?.['GasUsed'],
				tipSet: cids(TipSet),
				height: Height,
			};
		},
	},
	WalletHas: { call: ([address]) => chain.walletHas(String(address)), expect: same },
	WalletSignMessage: {
		call: ([, message]) => chain.walletSignMessage(messageFromJson(message)),
		expect: (value) => signedMessageFromJson(value),
	},
};
/** Those of the two recorded chains. */
const senders = [
	'f3swlfhxrwfb2tfbeee24ydnwblacvlfyqshu7cartvhkomsubvdlx5uppota26k5vunebmy43pf4nqlb6yodq',
	'f3td4qxa22qrdud7c6yczfsghkynoklit3eseou5e3b3wk5tfdq64galeb2jatzv6yjde765svl43ggmtmmtja',
];

/** comm_r is the last 32 bytes of the binary CID. */
function base32Tail(text: string): string {
	let bits = 0n;
	for (const character of text.slice(1))
		bits = (bits << 5n) | BigInt('abcdefghijklmnopqrstuvwxyz234567'.indexOf(character));
	const spare = BigInt(((text.length - 1) * 5) % 8);
	return ((bits >> spare) & ((1n << 256n) - 1n)).toString(16).padStart(64, '0');
}

test('every recorded call of a method of the port has its recorded parameters and result', async () => {
	let replayed = 0;
	const used = new Set<string>();
	for (const recorded of exchanges) {
		const method = recorded.request?.method?.replace('Filecoin.', '') ?? '';
		const known = Object.hasOwn(methods, method) ? methods[method] : undefined;
		const params = recorded.request?.params;
		// Wrong parameter counts and types are replayed above; the port cannot send them.
		if (known === undefined || !Array.isArray(params) || /-param-|malformed|v0-|-bad-address/.test(recorded.file))
			continue;
		current = recorded;
		const before = node.requests.length;
		const call = known.call(params);
		if (call === undefined) continue;
		const expected = failureOf(recorded);
		// The only recorded errors of a search are those of messages that the node never saw.
		const unknownMessage = method === 'StateSearchMsg' && expected !== undefined;
		// A push of the very message that the pool has: what was asked for is so already.
		const again = recorded.file.startsWith('181-MpoolPush-signed-again');
		if (unknownMessage) assert.equal(await call, undefined, recorded.file);
		else if (again) assert.equal(await call, signedMessageCid(signedMessageFromJson(params[0])), recorded.file);
		else if (expected === undefined)
			assert.deepEqual(await call, known.expect(recorded.response?.result), recorded.file);
		else await assert.rejects(call, (error) => assertFailure(error, expected, recorded.file));
		assertRequest(node.requests[before], method, params, recorded.file);
		used.add(method);
		replayed++;
	}
	assert.deepEqual([...used].sort(), Object.keys(methods).sort());
	assert.ok(replayed > 100, `${replayed}`);
});

function assertRequest(request: NodeRequest | undefined, method: string, params: unknown[], file: string): void {
	assert.equal(request?.method, method, file);
	assert.equal(request?.authorization, 'Bearer token', file);
	assert.equal(request?.params.length, params.length, `${file}: the count must match exactly`);
	for (const [i, sent] of (request?.params ?? []).entries()) {
		const recorded = params[i];
		const chosenByUs = method === 'GasEstimateMessageGas' || method === 'AuthVerify' || method === 'MpoolPending';
		if (chosenByUs || recorded === null || !isComparable(recorded)) continue;
		assert.deepEqual(sent, withoutCids(recorded), `${file}: parameter ${i}`);
	}
}

const isComparable = (value: unknown): boolean => !Array.isArray(value) || value.length > 0;

/** Lotus adds CIDs to what it prints and ignores them in what it reads. An address may have been written with t. */
function withoutCids(value: unknown): unknown {
	if (typeof value === 'string') return value.replace(/^t0/, 'f0');
	if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
	const entries = Object.entries(value).filter(([name]) => name !== 'CID');
	return Object.fromEntries(entries.map(([name, member]) => [name, withoutCids(member)]));
}
