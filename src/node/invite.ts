/** The invitation: all that a new machine needs to find the mesh and to know its operator. It holds the mesh key. */
import { z } from 'zod';
import { Ed25519Identity } from '../adapters/identity/ed25519.ts';
import { PosterError } from '../domain/errors.ts';
import { nodeId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { readSecretFile, writeFileAtomic } from './files.ts';
import type { Home } from './home.ts';
import { decodeMeshKey, encodeMeshKey } from './mesh-key.ts';
import { type SignedRoster, verifyRoster } from './roster-file.ts';

const FORMAT = 'poster-node/invite/1';
const InviteShape = z.strictObject({
	format: z.literal(FORMAT),
	/** Three lines of a swarm key. */
	meshKey: z.string(),
	/** Peer id of the operator's key. */
	operator: z.string(),
	/** Signed roster file in base64. */
	roster: z.base64(),
	/** Multiaddrs with peer id to dial first. */
	addresses: z.array(z.string()).max(limits.inviteAddresses),
});

export interface Invite {
	readonly meshKey: Uint8Array;
	readonly operator: ReturnType<typeof nodeId>;
	readonly roster: SignedRoster;
	readonly addresses: readonly string[];
}

export function writeInvite(
	file: string,
	home: Home,
	roster: SignedRoster,
	addresses: readonly string[],
): Promise<void> {
	const content: z.infer<typeof InviteShape> = {
		format: FORMAT,
		meshKey: encodeMeshKey(home.meshKey),
		operator: home.operatorId,
		roster: Buffer.from(roster.bytes).toString('base64'),
		addresses: [...addresses],
	};
	return writeFileAtomic(file, `${JSON.stringify(content, null, '\t')}\n`, 0o600);
}

/** Rejects `invite-missing`, `invite-bad`, `key-mode`, `roster-signature`. */
export async function readInvite(file: string): Promise<Invite> {
	const bytes = await readSecretFile(file, limits.inviteBytes);
	if (bytes === undefined) {
		throw new PosterError('invite-missing', `${file} does not exist`, {
			advice: 'The operator writes it with `poster-node roster invite --out FILE`; copy it to this machine.',
			meta: { file },
		});
	}
	const content = parse(bytes.toString('utf8'), file);
	const operator = nodeId(content.operator);
	// Any key can check a signature; the operator's own is not here.
	const roster = verifyRoster(Buffer.from(content.roster, 'base64'), operator, Ed25519Identity.generate(), file);
	return { meshKey: decodeMeshKey(Buffer.from(content.meshKey), file), operator, roster, addresses: content.addresses };
}

function parse(text: string, file: string): z.infer<typeof InviteShape> {
	try {
		return InviteShape.parse(JSON.parse(text));
	} catch (error) {
		if (!(error instanceof SyntaxError) && !(error instanceof z.ZodError)) throw error;
		throw new PosterError('invite-bad', `${file} is no invitation of this program`, {
			cause: error,
			advice: 'Make one on a node of the mesh: poster-node roster invite --out FILE',
		});
	}
}
