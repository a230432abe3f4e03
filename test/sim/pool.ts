/** A message pool: one message for each nonce of a sender, replaced only by one that pays a quarter more. */
import type { PoolMessage } from '../../src/core/api.ts';
import type { Random } from './random.ts';

export class Pool {
	/** Ascending by sender, then nonce. Replaced whole on every change, so that views may keep it. */
	messages: readonly PoolMessage[] = [];

	/** Error code, or null when the pool takes the message or has it. */
	add(message: PoolMessage, actorNonce: number): string | null {
		const { from, nonce, gasPremium } = message.signed.message;
		if (nonce < actorNonce) return 'chain-rpc';
		const rival = this.messages.find(({ signed }) => signed.message.from === from && signed.message.nonce === nonce);
		if (rival?.cid === message.cid) return null;
		if (rival !== undefined && gasPremium * 4n < rival.signed.message.gasPremium * 5n) return 'chain-rpc';
		this.messages = [...this.messages.filter((waiting) => waiting !== rival), message].sort(compareMessages);
		return null;
	}

	of(sender: string): readonly PoolMessage[] {
		return this.messages.filter(({ signed }) => signed.message.from === sender);
	}

	next(sender: string, nonce: number): PoolMessage | undefined {
		return this.messages.find(({ signed }) => signed.message.from === sender && signed.message.nonce === nonce);
	}

	/** Messages whose nonce the state has passed are gone. */
	prune(nonces: ReadonlyMap<string, number>): void {
		const isOver = ({ signed }: PoolMessage): boolean => signed.message.nonce < (nonces.get(signed.message.from) ?? 0);
		if (this.messages.some(isOver)) this.messages = this.messages.filter((message) => !isOver(message));
	}

	lose(permille: number, random: Random): void {
		if (permille === 0 || this.messages.length === 0) return;
		this.messages = this.messages.filter(() => !random.chance(permille));
	}

	clear(): void {
		this.messages = [];
	}
}

function compareMessages(a: PoolMessage, b: PoolMessage): number {
	const [left, right] = [a.signed.message, b.signed.message];
	if (left.from !== right.from) return left.from < right.from ? -1 : 1;
	return left.nonce - right.nonce || (a.cid < b.cid ? -1 : 1);
}
