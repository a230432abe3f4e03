/** Protobuf by hand, for what a library would not write. */

/** A field of wire type 2. */
export function field(number: number, bytes: Uint8Array): Buffer {
	return Buffer.concat([Buffer.of((number << 3) | 2), varint(bytes.length), bytes]);
}

export function varint(value: number): Buffer {
	const bytes: number[] = [];
	let rest = value;
	for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
	return Buffer.of(...bytes, rest);
}

/** `Message {data = 2, topic = 4}` of the gossipsub specification, unsigned. */
export function gossipMessage(topic: string, data: Uint8Array): Buffer {
	return Buffer.concat([field(2, data), field(4, Buffer.from(topic))]);
}

/** `RPC {publish = 2}` behind its length. */
export function gossipFrame(messages: readonly Uint8Array[]): Buffer {
	const rpc = Buffer.concat(messages.map((message) => field(2, message)));
	return Buffer.concat([varint(rpc.length), rpc]);
}
