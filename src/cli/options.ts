/** Parsers of command line values; commander prints their complaint together with the option's name. */
import { InvalidArgumentError, Option } from 'commander';
import { actorIdOfAddress, normalizeAddress, parseAddress } from '../codec/address.ts';
import { isPosterError } from '../domain/errors.ts';
import type { ActorId } from '../domain/ids.ts';
import { SECTOR_SIZES, type SectorSizeName } from '../domain/parameters.ts';
import { ROLES, type Role } from '../domain/roster.ts';
import { defaultHome } from '../node/home.ts';

/** Of deadlines, partitions and ports. */
export const MAX_INDEX = 0xffff;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

export function homeOption(): Option {
	return new Option('--home <dir>', 'folder of the node').argParser(pathText).default(defaultHome(), '~/.poster-node');
}

export function jsonOption(): Option {
	return new Option('--json', 'answer with one JSON object');
}

export function count(min: number, max: number): (text: string) => number {
	return (text) => {
		const value = Number(text);
		if (!/^\d+$/.test(text) || value < min || value > max) {
			throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`);
		}
		return value;
	};
}

export function nameText(text: string): string {
	if (!NAME.test(text))
		throw new InvalidArgumentError('A name has 1 to 63 letters, digits, dots, dashes, underscores.');
	return text;
}

/** An empty one, as of a shell variable that is not set, would mean the folder that the command runs in. */
export function pathText(text: string): string {
	if (text === '') throw new InvalidArgumentError('It is empty.');
	return text;
}

export function minerId(text: string): ActorId {
	return addressed('It is no miner id such as f01000.', () => actorIdOfAddress(text));
}

/** May be given many times. */
export function minerIds(text: string, before: readonly ActorId[] = []): readonly ActorId[] {
	return [...before, minerId(text)];
}

/** Key address in normal form: only f1 and f3 addresses sign. */
export function senderAddress(text: string): string {
	const complaint = 'It is no f1 or f3 address.';
	return addressed(complaint, () => {
		const { protocol } = parseAddress(text);
		if (protocol !== 1 && protocol !== 3) throw new InvalidArgumentError(complaint);
		return normalizeAddress(text);
	});
}

/** May be given many times. */
export function senders(text: string, before: readonly string[] = []): readonly string[] {
	return [...before, senderAddress(text)];
}

/** Empty, as the roster has it, for `all`. */
export function minerList(text: string): readonly ActorId[] {
	if (text === 'all') return [];
	return text.split(',').map((item) => minerId(item.trim()));
}

export function roleList(text: string): readonly Role[] {
	return text.split(',').map((item) => {
		const role = ROLES.find((known) => known === item.trim());
		if (role === undefined) throw new InvalidArgumentError(`Roles are ${ROLES.join(', ')}, separated by commas.`);
		return role;
	});
}

export function kindOption(): Option {
	return new Option('--kind <kind>', 'which proofs').choices(['window', 'winning', 'both']).default('window');
}

/** May be given many times. */
export function sectorSizes(text: string, before: readonly SectorSizeName[] = []): readonly SectorSizeName[] {
	const size = SECTOR_SIZES.find((name) => name === text);
	if (size === undefined) throw new InvalidArgumentError(`Sector sizes are ${SECTOR_SIZES.join(', ')}.`);
	return [...before, size];
}

export function texts(text: string, before: readonly string[] = []): readonly string[] {
	return [...before, text];
}

function addressed<T>(complaint: string, run: () => T): T {
	try {
		return run();
	} catch (error) {
		if (isPosterError(error)) throw new InvalidArgumentError(complaint);
		throw error;
	}
}
