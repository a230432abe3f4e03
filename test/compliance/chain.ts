/** What every Chain answers, over whichever full node `open` gives: rules that the core relies on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { minerAddress, parseAddress } from '../../src/codec/address.ts';
import { cidOfCbor } from '../../src/codec/cid.ts';
import { signedMessageCid, signingBytes } from '../../src/codec/message.ts';
import { encodeMinerCall } from '../../src/codec/miner-params.ts';
import { Bitfield } from '../../src/domain/bitfield.ts';
import type { HeadChange, PartitionState, TipSet } from '../../src/domain/chain.ts';
import { isPosterError } from '../../src/domain/errors.ts';
import { type ActorId, actorId, attoFil, deadlineIndex, epoch, partitionIndex } from '../../src/domain/ids.ts';
import type { Message, SignedMessage } from '../../src/domain/message.ts';
import { isWindowProofType, proofShape } from '../../src/domain/proof.ts';
import type { Chain } from '../../src/ports/chain.ts';
import { verifySignature } from '../support/verify-signature.ts';

export interface ChainSubject {
	/** With permission to sign. */
	readonly chain: Chain;
	/** The same node with permission to read only. */
	readonly reader: Chain;
	/** Two miners with live sectors in several deadlines; the full node holds the first one's worker key. */
	readonly miners: readonly [ActorId, ActorId];
	/** Mines one tipset after this many null rounds, then the head is that one. */
	mine(nullRounds: number): Promise<void>;
	/** Replaces the last `depth` tipsets by as many others. */
	reorg(depth: number): Promise<void>;
	close(): Promise<void>;
}

const rpcError = (error: unknown): boolean => isPosterError(error, 'chain-rpc') || assert.fail(String(error));
const unknownTipSet = [cidOfCbor(Uint8Array.of(0x80))];
const stranger = 'f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy';
const noMiner = actorId(99_999);
const maxFee = attoFil(10n ** 18n);

export function chainCompliance(name: string, open: () => Promise<ChainSubject>): void {
	const rule = (what: string, check: (subject: ChainSubject) => Promise<void>): void => {
		test(`${name}: ${what}`, async () => {
			const subject = await open();
			try {
				await check(subject);
			} finally {
				await subject.close();
			}
		});
	};

	rule('names its version, network and the permissions of the token', async ({ chain, reader }) => {
		const { blockDelaySeconds, apiVersion, version } = await chain.version();
		assert.ok(blockDelaySeconds >= 1 && apiVersion > 0 && version.length > 0);
		assert.notEqual(await chain.networkName(), '');
		const { key } = await chain.head();
		assert.ok((await chain.networkVersion(key)) >= 19, 'V1_1 window proofs came with network version 19');
		assert.ok((await chain.permissions()).includes('sign'));
		assert.deepEqual(await reader.permissions(), ['read']);
	});

	rule('tipsets are found by height from a head, null rounds by the tipset before and after', async (subject) => {
		const { chain } = subject;
		const before = await chain.head();
		await subject.mine(2);
		const head = await chain.head();
		assert.equal(head.height, before.height + 3);
		assert.deepEqual(head.parents, before.key);
		assert.ok(head.timestamp >= before.timestamp);
		assert.deepEqual(await chain.tipSetByHeight(head.height, head.key), head);
		for (const height of [before.height, before.height + 1, before.height + 2]) {
			assert.deepEqual(await chain.tipSetByHeight(epoch(height), head.key), before, `at ${height}`);
			const after = height === before.height ? before : head;
			assert.deepEqual(await chain.tipSetAfterHeight(epoch(height), head.key), after, `after ${height}`);
		}
		await assert.rejects(chain.tipSetByHeight(epoch(head.height + 1), head.key), rpcError);
		await assert.rejects(chain.tipSetByHeight(before.height, unknownTipSet), rpcError);
	});

	rule(
		'heads begin with current, then each change follows from the one before, reverts newest first',
		async (subject) => {
			const { chain } = subject;
			const stop = new AbortController();
			const heads = chain.heads(stop.signal)[Symbol.asyncIterator]();
			const head = await chain.head();
			const follower = new HeadFollower();
			assert.deepEqual(await follower.until(heads, head), ['current']);
			await subject.mine(0);
			assert.deepEqual(await follower.until(heads, await chain.head()), ['apply']);
			await subject.mine(1);
			assert.deepEqual(await follower.until(heads, await chain.head()), ['apply']);
			await subject.reorg(2);
			const changes = await follower.until(heads, await chain.head());
			assert.deepEqual(changes.slice(0, 2), ['revert', 'revert']);
			assert.ok(changes.slice(2).length > 0 && changes.slice(2).every((type) => type === 'apply'));
			const pending = heads.next();
			stop.abort();
			assert.equal((await pending).done, true);
		},
	);

	rule("a deadline's epochs follow from its period, for the head and for earlier tipsets", async (subject) => {
		const { chain, miners } = subject;
		const earlier = await chain.head();
		for (let i = 0; i < 3; i++) await subject.mine(i);
		for (const at of [earlier, await chain.head()]) {
			const info = await chain.provingDeadline(miners[0], at.key);
			assert.equal(info.currentEpoch, at.height);
			assert.equal(info.provingPeriod, info.periodDeadlines * info.challengeWindow);
			assert.ok(info.index < info.periodDeadlines);
			assert.equal(info.open, info.periodStart + info.index * info.challengeWindow);
			assert.equal(info.close, info.open + info.challengeWindow);
			assert.equal(info.challenge, info.open - info.challengeLookback);
			assert.equal(info.faultCutoff, info.open - info.faultDeclarationCutoff);
			assert.ok(info.close > at.height, 'the deadline has not elapsed');
		}
	});

	rule('partitions and sectors of all deadlines agree', async ({ chain, miners }) => {
		const { key } = await chain.head();
		const info = await chain.minerInfo(miners[0], key);
		assert.ok(isWindowProofType(info.windowPoStProofType));
		assert.equal(info.sectorSize, proofShape(info.windowPoStProofType).sectorSize);
		const deadlines = await chain.deadlines(miners[0], key);
		const { periodDeadlines } = await chain.provingDeadline(miners[0], key);
		assert.equal(deadlines.length, periodDeadlines);
		let live = Bitfield.empty;
		for (const index of deadlines.keys()) {
			for (const partition of await chain.partitions(miners[0], deadlineIndex(index), key)) {
				assertPartition(partition, info.partitionSectors);
				assert.equal(live.intersect(partition.live).size, 0, 'a sector lies in one partition');
				live = live.union(partition.live);
			}
		}
		assert.ok(live.size > 0);
		const sectors = await chain.sectors(miners[0], live, key);
		assert.deepEqual(
			sectors.map(({ number }) => number),
			[...live],
		);
		for (const { commR, number } of sectors) assert.match(commR, /^[0-9a-f]{64}$/, `sector ${number}`);
		assert.deepEqual(await chain.sectors(miners[0], Bitfield.empty, key), []);
		const beyond = Bitfield.of([Math.max(...live) + 1]);
		await assert.rejects(chain.sectors(miners[0], beyond, key), rpcError);
		await assert.rejects(chain.partitions(miners[0], deadlineIndex(periodDeadlines), key), rpcError);
	});

	rule("the worker's id and key address lead to each other", async ({ chain, miners }) => {
		const { key } = await chain.head();
		const { worker, owner } = await chain.minerInfo(miners[0], key);
		assert.equal(parseAddress(worker).protocol, 0);
		assert.equal(parseAddress(owner).protocol, 0);
		const address = await chain.accountKey(worker, key);
		assert.ok([1, 3].includes(parseAddress(address).protocol));
		assert.equal(await chain.lookupId(address, key), worker);
		assert.deepEqual(await chain.actor(address, key), await chain.actor(worker, key));
		assert.ok((await chain.actor(worker, key)).balance > 0n);
		assert.equal(await chain.walletHas(address), true);
		assert.equal(await chain.walletHas(stranger), false);
	});

	rule('what does not exist is an error of the node, for every question', async ({ chain, miners }) => {
		const { key, height } = await chain.head();
		const field = Bitfield.of([0]);
		for (const ask of [
			chain.provingDeadline(noMiner, key),
			chain.deadlines(noMiner, key),
			chain.partitions(noMiner, deadlineIndex(0), key),
			chain.sectors(noMiner, field, key),
			chain.minerInfo(noMiner, key),
			chain.actor('f099999', key),
			chain.actor(stranger, key),
			chain.accountKey('f099999', key),
			chain.accountKey(minerAddress(miners[0]), key),
			chain.lookupId(stranger, key),
			chain.provingDeadline(miners[0], unknownTipSet),
			chain.deadlines(miners[0], unknownTipSet),
			chain.minerInfo(miners[0], unknownTipSet),
			chain.postRandomness(miners[0], height, unknownTipSet),
			chain.commitRandomness(height, unknownTipSet),
		]) {
			await assert.rejects(ask, rpcError);
		}
	});

	rule('randomness is settled once drawn, differs by epoch and miner, and is never known ahead', async (subject) => {
		const { chain, miners } = subject;
		const { height, key } = await chain.head();
		const challenge = await chain.postRandomness(miners[0], height, key);
		const commit = await chain.commitRandomness(height, key);
		assert.match(challenge, /^[0-9a-f]{62}[0-3][0-9a-f]$/, 'a canonical field element');
		assert.match(commit, /^[0-9a-f]{64}$/);
		await assert.rejects(chain.postRandomness(miners[0], epoch(height + 1), key), rpcError);
		await assert.rejects(chain.commitRandomness(epoch(height + 1), key), rpcError);
		await subject.mine(1);
		const later = await chain.head();
		assert.equal(await chain.postRandomness(miners[0], height, later.key), challenge);
		assert.equal(await chain.commitRandomness(height, later.key), commit);
		assert.notEqual(await chain.postRandomness(miners[1], height, later.key), challenge);
		assert.notEqual(await chain.postRandomness(miners[0], later.height, later.key), challenge);
		assert.notEqual(await chain.commitRandomness(later.height, later.key), commit);
	});

	rule(
		'gas is estimated by executing the call; one that would fail is refused with the reason of the actor',
		async (subject) => {
			const { chain } = subject;
			const message = await declaration(subject);
			const { key } = await chain.head();
			const estimated = await chain.estimateGas(message, maxFee, key);
			assert.ok(estimated.gasLimit > 0);
			assert.ok(estimated.gasFeeCap >= estimated.gasPremium && estimated.gasPremium > 0n);
			assert.ok(BigInt(estimated.gasLimit) * estimated.gasFeeCap <= maxFee);
			const garbage = { ...message, params: Uint8Array.of(0, 1, 2) };
			await assert.rejects(chain.estimateGas(garbage, maxFee, key), (error) => {
				assert.ok(rpcError(error) && isPosterError(error));
				assert.equal(error.meta['rpcCode'], 3);
				return assert.match(error.message, /ErrSerialization\(21\)/) ?? true;
			});
			await assert.rejects(chain.estimateGas({ ...message, from: stranger }, maxFee, key), rpcError);
			await assert.rejects(chain.estimateGas({ ...message, method: 99_999 }, maxFee, key), rpcError);
		},
	);

	rule('a signed message is pooled, included and looked up under its CID', async (subject) => {
		const { chain } = subject;
		const signed = await signedDeclaration(subject);
		const before = await chain.head();
		const cid = signedMessageCid(signed);
		assert.equal(await chain.searchMessage(cid, before.key, -1), undefined, 'never heard of');
		assert.equal(await chain.push(signed), cid);
		assert.deepEqual(await chain.pending([signed.message.from]), [signed]);
		assert.deepEqual(await chain.pending([stranger]), []);
		assert.equal(await chain.push(signed), cid, 'what the node has already is taken again');
		assert.equal(await chain.searchMessage(cid, before.key, -1), undefined, 'in the pool only');
		const head = await mineUntilIncluded(subject, signed);
		const found = await chain.searchMessage(cid, head.key, -1);
		assert.equal(found?.message, cid);
		assert.equal(found?.exitCode, 0);
		assert.ok((found?.gasUsed ?? 0) > 0 && (found?.gasUsed ?? 0) <= signed.message.gasLimit);
		assert.equal(await chain.searchMessage(cid, before.key, -1), undefined, 'not seen from an earlier tipset');
		const landed = await chain.tipSetByHeight(epoch(found?.height ?? 0), head.key);
		assert.deepEqual(found?.tipSet, landed.key);
		const nonceBefore = (await chain.actor(signed.message.from, landed.parents)).nonce;
		assert.equal(nonceBefore, signed.message.nonce, 'its parents do not show it yet');
		assert.equal((await chain.actor(signed.message.from, landed.key)).nonce, signed.message.nonce + 1);
		assert.deepEqual(await chain.pending([signed.message.from]), []);
		await assert.rejects(chain.push(signed), rpcError, 'its nonce is used');
	});

	rule('a message that a reorg undid is in the pool again and lands again', async (subject) => {
		const { chain } = subject;
		const signed = await signedDeclaration(subject);
		const cid = await chain.push(signed);
		const landed = await mineUntilIncluded(subject, signed);
		await subject.reorg(2);
		const head = await chain.head();
		assert.notDeepEqual(head.key, landed.key);
		if ((await chain.searchMessage(cid, head.key, -1)) === undefined) {
			assert.deepEqual(await chain.pending([signed.message.from]), [signed]);
			await mineUntilIncluded(subject, signed);
		}
		assert.equal((await chain.searchMessage(cid, (await chain.head()).key, -1))?.exitCode, 0);
	});

	rule('a replacement needs more premium, and is found under the CID of what it replaced', async (subject) => {
		const { chain } = subject;
		const first = await signedDeclaration(subject);
		const cid = await chain.push(first);
		const { gasPremium, gasFeeCap } = first.message;
		const meagre = { ...first.message, gasLimit: first.message.gasLimit + 1 };
		await assert.rejects(async () => await chain.push(await chain.walletSignMessage(meagre)), rpcError);
		const premium = attoFil((gasPremium * 125n) / 100n + 1n);
		const better = { ...first.message, gasPremium: premium, gasFeeCap: attoFil(gasFeeCap * 2n + premium) };
		const replacement = await chain.walletSignMessage(better);
		const replacementCid = await chain.push(replacement);
		assert.deepEqual(await chain.pending([first.message.from]), [replacement]);
		const head = await mineUntilIncluded(subject, replacement);
		assert.equal((await chain.searchMessage(cid, head.key, -1))?.message, replacementCid);
	});

	rule('what the chain would not take is refused at once', async (subject) => {
		const { chain } = subject;
		const signed = await signedDeclaration(subject);
		const broken = signed.signature.with(40, (signed.signature[40] ?? 0) ^ 1);
		await assert.rejects(chain.push({ ...signed, signature: broken }), rpcError);
		const other = { ...signed.message, method: 11, params: Uint8Array.of(0x80) };
		await assert.rejects(chain.push({ ...signed, message: other }), rpcError, 'signed for another message');
		assert.deepEqual(await chain.pending([signed.message.from]), []);
	});

	rule('the wallet of the node signs what it is given, for its own keys only', async (subject) => {
		const { chain } = subject;
		const message = await declaration(subject);
		const signed = await chain.walletSignMessage(message);
		assert.deepEqual(signed.message, message);
		const { payload } = parseAddress(message.from);
		const verdict = await verifySignature(signed.signatureType, payload, signingBytes(message), signed.signature);
		assert.deepEqual(verdict, { ok: true });
		await assert.rejects(chain.walletSignMessage({ ...message, from: stranger }), rpcError);
	});

	rule('without the permission a call is refused as such', async (subject) => {
		const { reader } = subject;
		const signed = await signedDeclaration(subject);
		const denied = (error: unknown): boolean => isPosterError(error, 'chain-permission') || assert.fail(String(error));
		await assert.rejects(reader.push(signed), denied);
		await assert.rejects(reader.walletSignMessage(signed.message), denied);
		await reader.estimateGas(signed.message, maxFee, (await reader.head()).key);
	});
}

/** Checks that head changes fit together and tells their types. */
class HeadFollower {
	#chain: TipSet[] = [];

	async until(heads: AsyncIterator<readonly HeadChange[]>, head: TipSet): Promise<string[]> {
		const types: string[] = [];
		while (this.#chain.at(-1)?.key.join() !== head.key.join()) {
			const { value, done } = await heads.next();
			assert.ok(!done, 'heads go on');
			for (const { type, tipSet } of value as readonly HeadChange[]) {
				types.push(type);
				this.#apply(type, tipSet);
			}
		}
		return types;
	}

	#apply(type: HeadChange['type'], tipSet: TipSet): void {
		if (type === 'current') {
			this.#chain = [tipSet];
		} else if (type === 'apply') {
			assert.deepEqual(tipSet.parents, this.#chain.at(-1)?.key, 'an apply follows the last tipset');
			this.#chain.push(tipSet);
		} else {
			assert.deepEqual(tipSet, this.#chain.pop(), 'a revert takes the last tipset back');
		}
	}
}

function assertPartition({ all, live, faulty, recovering, active }: PartitionState, partitionSectors: number): void {
	assert.ok(all.size > 0 && all.size <= partitionSectors);
	assert.ok(live.isSubsetOf(all) && faulty.isSubsetOf(live) && recovering.isSubsetOf(faulty));
	assert.ok(active.equals(live.subtract(faulty)));
}

/** A call that the chain takes at any time: recovering healthy sectors of a deadline that is far from open. */
async function declaration({ chain, miners: [miner] }: ChainSubject): Promise<Message> {
	const { key } = await chain.head();
	const { worker } = await chain.minerInfo(miner, key);
	const from = await chain.accountKey(worker, key);
	const info = await chain.provingDeadline(miner, key);
	for (let ahead = info.periodDeadlines - 1; ahead > 0; ahead--) {
		const deadline = deadlineIndex((info.index + ahead) % info.periodDeadlines);
		const [partition] = await chain.partitions(miner, deadline, key);
		if (partition === undefined) continue;
		const sectors = partition.live;
		const declarations = [{ deadline, partition: partitionIndex(0), sectors }];
		return {
			version: 0,
			to: minerAddress(miner),
			from,
			nonce: (await chain.actor(from, key)).nonce,
			value: attoFil(0n),
			gasLimit: 0,
			gasFeeCap: attoFil(0n),
			gasPremium: attoFil(0n),
			...encodeMinerCall({ kind: 'declare-recovered', declarations }),
		};
	}
	throw new Error('no deadline with sectors');
}

async function signedDeclaration(subject: ChainSubject): Promise<SignedMessage> {
	const { chain } = subject;
	const message = await declaration(subject);
	const estimated = await chain.estimateGas(message, maxFee, (await chain.head()).key);
	return chain.walletSignMessage(estimated);
}

/** A message lands in the next tipset, and its receipt shows one tipset later. */
async function mineUntilIncluded(subject: ChainSubject, { message }: SignedMessage): Promise<TipSet> {
	const { chain } = subject;
	for (let mined = 0; mined < 10; mined++) {
		await subject.mine(0);
		const head = await chain.head();
		if ((await chain.actor(message.from, head.key)).nonce > message.nonce) return head;
	}
	throw new Error('not included within 10 tipsets');
}
