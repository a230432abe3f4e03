/**
 * The flooding member of the flood benchmark: floods in one way until it is cut, comes back and goes on, as fast as it
 * can. Arguments: its home, the other member's home, the victim's address, the kind; `list` tells the kinds.
 */
import { openHome } from '../../src/node/home.ts';
import { loadRoster } from '../../src/node/roster-file.ts';
import { HostilePeer } from '../fakes/hostile-peer.ts';
import { immediately } from '../support/flooding.ts';
import { floodKinds } from './flood-kinds.ts';

export type FlooderAnswer =
	| { readonly kind: 'kinds'; readonly names: readonly string[] }
	| { readonly kind: 'prepared' }
	| { readonly kind: 'begun'; readonly wallMs: number };

const [home = '', otherHome = '', address = '', name = ''] = process.argv.slice(2);
const { identity: own, meshKey } = await openHome(home);
const { roster } = await loadRoster(await openHome(home));
const { identity: other } = await openHome(otherHome);
const tell = (answer: FlooderAnswer): void => void process.send?.(answer);

const hostile = await HostilePeer.join({ privateKey: own.toProtobuf(), meshKey }, address);
const kinds = floodKinds(await hostile.protocols());

async function flood(): Promise<void> {
	const kind = kinds.find((each) => each.name === name);
	if (kind === undefined) throw new Error(`no kind ${name}`);
	const go = kind.prepare({ hostile, address, network: roster.network, own, other });
	tell({ kind: 'prepared' });
	await new Promise((resolve) => process.once('message', resolve));
	tell({ kind: 'begun', wallMs: Date.now() });
	for (;;) {
		// Whatever ends one flood, the next one begins at once.
		await go().catch(immediately);
		await hostile.comeBack(address).catch(immediately);
	}
}

process.on('disconnect', () => process.exit(0));
if (name === 'list') tell({ kind: 'kinds', names: kinds.map((each) => each.name) });
else await flood();
