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

/** Topics that the RPCs in these bytes subscribe to: `RPC {subscriptions = 1 {subscribe = 1, topic = 2}}` behind lengths. */
export function topicsOf(bytes: Uint8Array): string[] {
	const subscriptions = frames(bytes).flatMap((rpc) => fieldsOf(rpc, 1));
	return [...new Set(subscriptions.flatMap((each) => fieldsOf(each, 2)).map((topic) => Buffer.from(topic).toString()))];
}

function frames(bytes: Uint8Array): Uint8Array[] {
	const found: Uint8Array[] = [];
	for (let at = 0; at < bytes.length; ) {
		const [length, start] = readVarint(bytes, at);
		found.push(bytes.subarray(start, start + length));
		at = start + length;
	}
	return found;
}

/** Contents of the fields of this number; of other wire types than 0 and 2 there are none in an RPC. */
function fieldsOf(bytes: Uint8Array, number: number): Uint8Array[] {
	const found: Uint8Array[] = [];
	for (let at = 0; at < bytes.length; ) {
		const [tag, start] = readVarint(bytes, at);
		const [value, next] = readVarint(bytes, start);
		at = (tag & 7) === 2 ? next + value : next;
		if (tag === ((number << 3) | 2)) found.push(bytes.subarray(next, at));
	}
	return found;
}

function readVarint(bytes: Uint8Array, from: number): [value: number, next: number] {
	let value = 0;
	let at = from;
	for (let shift = 1; ; shift *= 128) {
		const byte = bytes[at++] ?? 0;
		value += (byte & 0x7f) * shift;
		if (byte < 0x80) return [value, at];
	}
}
