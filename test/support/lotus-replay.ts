/**
 * Replays recorded requests against an embedded chain in the same situation and compares answers: everything but what
 * must differ (hashes, signatures, gas, balances, the other actors of the recorded network) has to be equal.
 */
import assert from 'node:assert/strict';
import type { Devnet } from '../../src/devnet/devnet.ts';
import { type Recording, recording } from '../vectors/lotus-rpc.ts';

/** Values that differ between two networks: of these fields only the kind of value is compared. */
const NETWORK_FIELDS: ReadonlySet<string> = new Set([
	...['/', 'VRFProof', 'Data', 'ParentWeight', 'ParentBaseFee', 'Timestamp', 'Round', 'Miner', 'WinCount'],
	...['GasUsed', 'GasLimit', 'GasFeeCap', 'GasPremium', 'Balance', 'Version', 'Agent', 'BlockDelay'],
	...['MinerPower', 'NetworkPower', 'RawBytePower', 'QualityAdjPower', 'VerifiedDealWeight', 'SectorNumber'],
	...['VMApplied', 'Behind', 'Duration', 'Params'],
]);
/** Fields that the embedded chain leaves empty, as docs/devnet.md says. */
const EMPTY_FIELDS: ReadonlySet<string> = new Set(['PeerId', 'ExecutionTrace', 'ActiveSyncs', 'BeaconEntries']);
/** Methods whose whole answer is a value of the network. */
const NETWORK_METHODS =
	/Randomness|WalletBalance|AvailableBalance|AuthNew|StateMinerSectors|StateMinerActiveSectors|StateSectorGetInfo/;

export interface ReplayOptions {
	/** Parameters instead of the recorded ones. */
	readonly params?: readonly unknown[];
	/** Compares only the beginning of an error text: what follows are words of the proving library. */
	readonly textUpTo?: string;
}

export class Replay {
	readonly devnet: Devnet;
	/** Recorded text -> the one that stands for it here: addresses, CIDs, tokens. */
	readonly #names = new Map<string, string>();

	constructor(devnet: Devnet) {
		this.devnet = devnet;
	}

	/** From now on the recorded text means this one. */
	name(recorded: string, ours: string): void {
		this.#names.set(recorded, ours);
	}

	/** The tipset key of a recorded answer or parameter means the head that is now. */
	nameHead(recordedCid: string): void {
		this.name(recordedCid, this.devnet.node.chain.head.cid);
	}

	/** Sends the recorded request and compares the answer, which it returns. */
	async compare(number: string, options: ReplayOptions = {}): Promise<unknown> {
		const recorded = recording(number);
		const answer = await this.#send(recorded, options);
		const where = recorded.file;
		assert.equal(answer.status, recorded.http_status, `${where}: status, ${answer.text}`);
		const { response } = recorded;
		if (response?.raw !== undefined) {
			assert.equal(answer.text, response.raw, where);
			return undefined;
		}
		const method = recorded.request?.method ?? '';
		const [ours, theirs] = [JSON.parse(answer.text), this.#translated(response)] as [Answer, Answer];
		if (options.textUpTo !== undefined && theirs.error !== undefined) {
			const cut = theirs.error.message.indexOf(options.textUpTo);
			assert.ok(cut > 0, `${where}: no such text in the recording`);
			const known = theirs.error.message.slice(0, cut + options.textUpTo.length);
			assert.ok(ours.error?.message.startsWith(known), `${where}: ${ours.error?.message}`);
			return ours;
		}
		const masked = NETWORK_METHODS.test(method) ? kinds : maskNetwork;
		if (theirs.error !== undefined || ours.error !== undefined) assert.deepEqual(ours, theirs, where);
		else assert.deepEqual(masked(ours), masked(theirs), `${where}: ${answer.text.slice(0, 400)}`);
		return ours.result;
	}

	/** As `compare`, for a message that gets into the pool: its CID stands for the recorded one. */
	async comparePush(number: string, options: ReplayOptions = {}): Promise<string> {
		const result = await this.compare(number, options);
		const ours = cidOf(result);
		this.name(cidOf(recordedResult(number)), ours);
		return ours;
	}

	async #send(recorded: Recording, { params }: ReplayOptions): Promise<{ status: number; text: string }> {
		const { request = {}, path = '/rpc/v1', auth } = recorded;
		const url = new URL(path.replace('<jwt>', this.devnet.tokens.read), this.devnet.url);
		const headers: Record<string, string> = {};
		const { admin, read } = this.devnet.tokens;
		if (auth === 'bearer token') headers['Authorization'] = `Bearer ${admin}`;
		if (auth === 'bearer token_read') headers['Authorization'] = `Bearer ${read}`;
		if (auth === 'bearer <bad token>') headers['Authorization'] = `Bearer ${admin.slice(0, -4)}AAAA`;
		const body =
			request.raw ?? JSON.stringify(this.#translated(params === undefined ? request : { ...request, params }));
		const response = await fetch(url, { method: 'POST', headers, body });
		return { status: response.status, text: await response.text() };
	}

	#translated(value: unknown): unknown {
		if (typeof value === 'string') {
			let text = this.#names.get(value) ?? value;
			if (text === value) for (const [from, to] of this.#names) text = text.replaceAll(from, to);
			return text;
		}
		if (Array.isArray(value)) return value.map((entry) => this.#translated(entry));
		if (typeof value !== 'object' || value === null) return value;
		return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, this.#translated(entry)]));
	}
}

/** The recorded result, for what a test takes over from it. */
export function recordedResult<T>(number: string): T {
	const { response } = recording(number);
	assert.ok(response?.result !== undefined, `${number} has a result`);
	return response.result as T;
}

interface Answer {
	readonly result?: unknown;
	readonly error?: { readonly code: number; readonly message: string };
}

function cidOf(result: unknown): string {
	const { CID, '/': bare } = result as { CID?: { '/': string }; '/'?: string };
	return CID?.['/'] ?? bare ?? assert.fail('the answer names no message');
}

/** Values of the network are replaced by their kind. */
function maskNetwork(value: unknown, field = ''): unknown {
	if (EMPTY_FIELDS.has(field)) return '(empty here)';
	if (NETWORK_FIELDS.has(field)) return kinds(value);
	if (Array.isArray(value)) return value.map((entry) => maskNetwork(entry));
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, maskNetwork(entry, name)]));
}

/** The shape alone. */
function kinds(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(kinds);
	if (typeof value === 'object' && value !== null) {
		return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, kinds(entry)]));
	}
	if (typeof value !== 'string') return value === null ? null : typeof value;
	if (/^-?\d+$/.test(value)) return 'decimal';
	if (/^f[0-4][a-z0-9]{1,100}$/.test(value)) return 'address';
	if (/^b[a-z2-7]{40,}$/.test(value)) return 'CID';
	if (/^[A-Za-z0-9+/]+={0,2}$/.test(value) && value.length % 4 === 0) return 'base64';
	return 'text';
}
