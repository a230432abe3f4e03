/** The sector list in the body of a job: per sector u64 LE number ‖ 32 bytes comm_r, ascending (docs/native-protocol.md 1). */
import type { Hex32, SectorNumber } from '../../domain/ids.ts';

const ENTRY_BYTES = 40;

export function encodeSectorList(
	sectors: readonly { readonly number: SectorNumber; readonly commR: Hex32 }[],
	prefix: Uint8Array = new Uint8Array(0),
): Buffer {
	const bytes = Buffer.allocUnsafe(prefix.length + sectors.length * ENTRY_BYTES);
	bytes.set(prefix);
	let at = prefix.length;
	for (const { number, commR } of sectors) {
		bytes.writeBigUInt64LE(BigInt(number), at);
		bytes.write(commR, at + 8, 32, 'hex');
		at += ENTRY_BYTES;
	}
	return bytes;
}
