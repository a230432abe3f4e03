/**
 * Applies one message to the state: nonce, value, the call itself, gas and fees. A call that fails changes nothing but
 * the sender's nonce and balance. Source: ref-fvm `executor/default.rs`.
 */
import { parseAddress } from '../../codec/address.ts';
import { messageCid } from '../../codec/message.ts';
import { assert } from '../../domain/errors.ts';
import { type ActorId, actorId, type CidText } from '../../domain/ids.ts';
import type { Message } from '../../domain/message.ts';
import { Abort, exitCode, exitName } from './abort.ts';
import type { CallContext } from './context.ts';
import type { ChainEvent } from './events.ts';
import { gasOf } from './gas.ts';
import { eventOf, type Invoked, invalidMethod, invokeMiner } from './invoke.ts';
import { lesser } from './monies.ts';
import { type Account, type World, withAccount, withMiner } from './state.ts';

export interface Receipt {
	readonly exitCode: number;
	readonly gasUsed: number;
}

export interface Applied {
	readonly world: World;
	readonly receipt: Receipt;
	/** The VM's own words of a failure, undefined for exit code 0. */
	readonly error: string | undefined;
	readonly event: ChainEvent | undefined;
}

/** Fees of an included message; a call that is only tried has none. */
export interface Fees {
	readonly baseFee: bigint;
	/** CID under which the message landed. */
	readonly cid: CidText;
}

export async function applyMessage(
	context: Omit<CallContext, 'caller'>,
	world: World,
	message: Message,
	fees?: Fees,
): Promise<Applied> {
	const sender = resolve(world, message.from);
	assert(sender !== undefined, 'the sender was checked before');
	const counted = withAccount(world, { ...sender, nonce: message.nonce + 1 });
	const outcome = await run({ ...context, caller: sender.id }, counted, message);
	const gas = gasOf(outcome.gas, message);
	const outOfGas = fees !== undefined && gas > message.gasLimit;
	const failure = outOfGas ? new Abort(exitCode.outOfGas, 'out of gas') : outcome.failure;
	const receipt = { exitCode: failure?.exitCode ?? exitCode.ok, gasUsed: outOfGas ? message.gasLimit : gas };
	const miner = world.miners.get(resolveId(world, message.to) ?? actorId(-1));
	return {
		world: charge(failure === undefined ? outcome.world : counted, sender.id, message, receipt, fees),
		receipt,
		error: failure === undefined ? undefined : backtrace(message, failure),
		event:
			miner === undefined
				? undefined
				: eventOf(miner, message, { cid: fees?.cid ?? messageCid(message), gas: outcome.gas, failure }),
	};
}

/** Account behind an id, f1 or f3 address. */
export function resolve(world: World, address: string): Account | undefined {
	const id = resolveId(world, address);
	return id === undefined ? undefined : world.accounts.get(id);
}

/** Actor id behind an address; ids are not looked up. */
export function resolveId(world: World, address: string): ActorId | undefined {
	return address.startsWith('f0') ? actorId(Number(address.slice(2))) : world.idOfKey.get(address);
}

async function run(
	context: CallContext,
	world: World,
	message: Message,
): Promise<Invoked & { readonly failure?: Abort }> {
	try {
		const funded = transfer(world, context.caller, message);
		const miner = funded.miners.get(resolveId(funded, message.to) ?? actorId(-1));
		if (miner !== undefined) return await invokeMiner(context, funded, miner, message);
		if (message.method !== 0) throw invalidMethod(message);
		return { world: funded, gas: 'send' };
	} catch (error) {
		if (error instanceof Abort) return { world, gas: 'refused', failure: error };
		throw error;
	}
}

/** Moves the value; a key address that nobody used before becomes an account. */
function transfer(world: World, from: ActorId, { to, value }: Message): World {
	const sender = world.accounts.get(from) as Account;
	if (value > sender.balance) {
		throw new Abort(
			exitCode.insufficientFunds,
			'',
			`send::send -- sender does not have funds to transfer (balance ${fil(sender.balance)}, transfer ${fil(value)}) (5: insufficient funds)`,
		);
	}
	const debited = withAccount(world, { ...sender, balance: sender.balance - value });
	const id = resolveId(debited, to) ?? nextId(debited);
	const miner = debited.miners.get(id);
	if (miner !== undefined) return withMiner(debited, { ...miner, balance: miner.balance + value });
	const account = debited.accounts.get(id);
	if (account !== undefined) return withAccount(debited, { ...account, balance: account.balance + value });
	const { protocol } = parseAddress(to);
	if (protocol !== 1 && protocol !== 3) throw new Abort(exitCode.notFound, `actor ${to} not found`);
	return withAccount(debited, { id, key: to, nonce: 0, balance: value });
}

function nextId({ accounts, miners }: World): ActorId {
	return actorId(Math.max(...accounts.keys(), ...miners.keys()) + 1);
}

/** Burns the base fee of the gas used and pays the premium of the gas limit. */
function charge(world: World, sender: ActorId, message: Message, { gasUsed }: Receipt, fees: Fees | undefined): World {
	if (fees === undefined) return world;
	const account = world.accounts.get(sender) as Account;
	const burnt = fees.baseFee * BigInt(gasUsed);
	const tip = lesser(message.gasFeeCap - fees.baseFee, message.gasPremium) * BigInt(message.gasLimit);
	const balance = account.balance - lesser(account.balance, burnt + tip);
	return { ...withAccount(world, { ...account, balance }), burnt: world.burnt + burnt };
}

function backtrace(message: Message, failure: Abort): string {
	const frame =
		failure.message === ''
			? ''
			: `00: ${message.to} (method ${message.method}) -- ${failure.message} (${failure.exitCode})\n`;
	const causedBy = failure.causedBy === undefined ? '' : `--> caused by: ${failure.causedBy}\n`;
	return `message execution failed (exit=[${exitName(failure.exitCode)}], vm error=[message failed with backtrace:\n${frame}${causedBy} (RetCode=${failure.exitCode})])`;
}

/** attoFIL as Rust prints a token amount: at least one digit after the point. */
function fil(atto: bigint): string {
	const fraction = (atto % 10n ** 18n).toString().padStart(18, '0').replace(/0+$/, '');
	return `${atto / 10n ** 18n}.${fraction === '' ? '0' : fraction}`;
}
