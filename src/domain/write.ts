/** One change of the ordered key-value store of a node's home: what the core decides and the store applies. */
export type Write =
	| { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
	| { readonly type: 'del'; readonly key: string };
