/** How a hostile member sends as much as its transport takes, until its connection is cut. */
import type { HostilePeer } from '../fakes/hostile-peer.ts';
import { until } from './until.ts';

export const isOpen = ({ connection }: HostilePeer): boolean => connection.status === 'open';

/** Sends on one stream until the connection is cut, as fast as the transport takes it. */
export async function pour(hostile: HostilePeer, protocol: string, piece: () => Uint8Array): Promise<void> {
	const stream = await hostile.send(protocol, piece(), true);
	while (isOpen(hostile)) {
		if (stream.status !== 'open' || stream.send(piece())) await immediately();
		else await until('drained or cut', () => !isOpen(hostile) || !stream.writableNeedsDrain);
	}
}

/** Below the streams. */
export async function pourBelow(hostile: HostilePeer, piece: Uint8Array): Promise<void> {
	while (isOpen(hostile)) {
		hostile.sendBelowStreams(piece);
		await immediately();
	}
}

/** Calls `act` until the connection is cut; that makes the last one fail. */
export async function repeat(hostile: HostilePeer, act: () => Promise<unknown>): Promise<void> {
	while (isOpen(hostile)) await act().catch(() => immediately());
}

export function immediately(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}

/** Header of a yamux frame. */
export function yamuxFrame(type: number, flags: number, stream: number, length: number): Buffer {
	const header = Buffer.alloc(12);
	header.writeUInt8(type, 1);
	header.writeUInt16BE(flags, 2);
	header.writeUInt32BE(stream, 4);
	header.writeUInt32BE(length, 8);
	return header;
}

export function many(count: number, frame: (index: number) => Uint8Array): Buffer {
	return Buffer.concat(Array.from({ length: count }, (_, index) => frame(index)));
}
