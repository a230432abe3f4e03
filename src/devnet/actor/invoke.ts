/** Dispatch of one call to an account or a miner: decodes the parameters, runs the method, tells what it cost. */
import {
	decodeDeclarations,
	decodeDisputeWindowedPoSt,
	decodeSubmitWindowedPoSt,
	minerMethod,
} from '../../codec/miner-params.ts';
import { isPosterError } from '../../domain/errors.ts';
import type { CidText } from '../../domain/ids.ts';
import type { Message } from '../../domain/message.ts';
import { Abort, exitCode } from './abort.ts';
import type { CallContext } from './context.ts';
import { declareFaults, declareFaultsRecovered } from './declare.ts';
import { disputeWindowedPost, VALID_POST } from './dispute.ts';
import type { ChainEvent } from './events.ts';
import type { GasClass } from './gas.ts';
import { type Account, type Miner, type World, withAccount, withMiner } from './state.ts';
import { submitWindowedPost } from './submit-post.ts';

export interface Invoked {
	readonly world: World;
	readonly gas: GasClass;
}

/** How a call ended. */
export interface Landed {
	readonly cid: CidText;
	readonly gas: GasClass;
	readonly failure: Abort | undefined;
}

const METHOD_SEND = 0;

/** Method `message.method` of the miner; throws `Abort`. */
export async function invokeMiner(
	context: CallContext,
	world: World,
	miner: Miner,
	message: Message,
): Promise<Invoked> {
	switch (message.method) {
		case METHOD_SEND:
			return { world, gas: 'send' };
		case minerMethod.submitWindowedPoSt: {
			const submitted = await submitWindowedPost(context, miner, decoded(decodeSubmitWindowedPoSt, message));
			return { world: withMiner(world, submitted.miner), gas: submitted.verified ? 'post-verified' : 'post-recorded' };
		}
		case minerMethod.declareFaults: {
			const declared = declareFaults(context, miner, decoded(decodeDeclarations, message));
			return { world: withMiner(world, declared), gas: 'declare-faults' };
		}
		case minerMethod.declareFaultsRecovered: {
			const declared = declareFaultsRecovered(context, miner, decoded(decodeDeclarations, message));
			return { world: burn(withMiner(world, declared.miner), declared.burnt), gas: 'declare-recovered' };
		}
		case minerMethod.disputeWindowedPoSt: {
			const disputed = await disputeWindowedPost(context, miner, decoded(decodeDisputeWindowedPoSt, message));
			const burnt = burn(withMiner(world, disputed.miner), disputed.burnt);
			const caller = burnt.accounts.get(context.caller) as Account;
			const rewarded = withAccount(burnt, { ...caller, balance: caller.balance + disputed.reward });
			return { world: rewarded, gas: 'dispute' };
		}
		default:
			throw invalidMethod(message);
	}
}

export function invalidMethod({ method }: Message): Abort {
	return new Abort(exitCode.unhandledMessage, `invalid method: ${method}`);
}

/** The event of a call that landed on a miner, undefined when its parameters say nothing or it is of no interest. */
export function eventOf(miner: Miner, message: Message, landed: Landed): ChainEvent | undefined {
	const { cid, failure } = landed;
	const code = failure?.exitCode ?? exitCode.ok;
	try {
		if (message.method === minerMethod.submitWindowedPoSt) {
			const { deadline, partitions } = decodeSubmitWindowedPoSt(message.params);
			return {
				kind: 'post',
				message: cid,
				miner: miner.id,
				periodStart: miner.periodStart,
				deadline,
				partitions: partitions.map(({ index }) => index),
				exitCode: code,
				verified: landed.gas === 'post-verified',
			};
		}
		if (message.method === minerMethod.disputeWindowedPoSt) {
			const { deadline, postIndex } = decodeDisputeWindowedPoSt(message.params);
			const outcome = failure === undefined ? 'lost' : failure.message === VALID_POST ? 'survived' : 'refused';
			return { kind: 'dispute', outcome, message: cid, miner: miner.id, deadline, postIndex, exitCode: code };
		}
		return undefined;
	} catch (error) {
		if (isPosterError(error)) return undefined;
		throw error;
	}
}

function burn(world: World, amount: bigint): World {
	return { ...world, burnt: world.burnt + amount };
}

function decoded<T>(decode: (bytes: Uint8Array) => T, { params }: Message): T {
	try {
		return decode(params);
	} catch (error) {
		if (!isPosterError(error)) throw error;
		throw new Abort(
			exitCode.serialization,
			`Serialization error for Cbor protocol: Msg(${JSON.stringify(error.message)})`,
		);
	}
}
