/**
 * Ends streams of libp2p's own protocols on which somebody drips bytes for ever: those protocols wait as long as bytes
 * come, or for ever. And tells which streams ended in the middle of a frame, where libp2p only resets them.
 */
import type { Connection, Stream } from '@libp2p/interface';
import { PosterError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { Clock } from '../../ports/clock.ts';

export interface FrameProgress {
	/** Frames that have begun. */
	readonly frames: number;
	/** Bytes of the last one are still to come. */
	readonly inside: boolean;
}

export interface StreamWatch {
	readonly clock: Clock;
	/** A stream was given up. Nobody's fault for sure: this node itself may have stood still. */
	readonly late: (protocol: string) => void;
	readonly garbage: (connection: Connection, protocol: string, reason: string) => void;
}

/** The first frame, and each one that has begun, must be whole within `requestReadMs`. */
export function watchFrames(
	stream: Stream,
	connection: Connection,
	progress: FrameProgress,
	{ clock, late, garbage }: StreamWatch,
): void {
	const { protocol } = stream;
	let seen = 0;
	let cancel = giveUpLater(stream, clock, late);
	const endIfEnded = (): void => {
		if (stream.remoteWriteStatus === 'writable' || stream.readBufferLength > 0) return;
		cancel();
		const whole = progress.frames > 0 && !progress.inside;
		// A connection that was cut truncates its streams: that is nobody's garbage.
		if (whole || stream.status !== 'open' || connection.status !== 'open') return;
		garbage(connection, protocol, 'stream-truncated');
		stream.abort(new PosterError('stream-truncated', 'the stream ended inside a frame'));
	};
	stream.addEventListener('message', () => {
		if (progress.frames !== seen || !progress.inside) {
			seen = progress.frames;
			cancel();
			if (progress.inside) cancel = giveUpLater(stream, clock, late);
		}
		endIfEnded();
	});
	stream.addEventListener('close', () => cancel());
	stream.addEventListener('remoteCloseWrite', endIfEnded);
	// It may have ended before the protocol was agreed on.
	endIfEnded();
}

/** For protocols whose streams serve one short exchange. */
export function watchLife(stream: Stream, { clock, late }: StreamWatch): void {
	stream.addEventListener('close', giveUpLater(stream, clock, late));
}

function giveUpLater(stream: Stream, clock: Clock, late: StreamWatch['late']): () => void {
	return clock.after(limits.requestReadMs, () => {
		if (stream.status !== 'open') return;
		late(stream.protocol);
		stream.abort(new PosterError('stream-timeout', 'the rest did not come'));
	});
}
