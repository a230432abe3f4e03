import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { isPosterError } from '../../../src/domain/errors.ts';
import { parseConfig } from '../../../src/node/config.ts';
import { checkResources, thisMachine } from '../../../src/node/resources.ts';
import { coresOf } from '../../../src/node/workers.ts';

const GB = 1e9;
const plenty = { openFiles: 65_536, memoryBytes: 512 * GB };

function wanted(prover: string, proofTypes: readonly number[], members = 3) {
	const config = parseConfig(`[prover]\n${prover}`, '/etc/config.toml');
	return { config, members, proofTypes, slotFilters: [] };
}

test('slots that need more memory than there is are refused, with what to do', () => {
	checkResources(wanted('slots = 4', [10, 13]), plenty);
	assert.throws(
		() => checkResources(wanted('slots = 6', [10, 13]), plenty),
		(error) => {
			assert.ok(isPosterError(error, 'prover-memory'));
			assert.match(error.message, /6 slots for window 32GiB need 601\.3 GB of memory, there are 512\.0 GB/);
			assert.match(error.advice ?? '', /proof_types.*memory_bytes/);
			return true;
		},
	);
	checkResources(wanted('slots = 6', [10]), { ...plenty, memoryBytes: GB });
	checkResources(wanted('slots = 6\nmemory_bytes = 700000000000', [13]), plenty);
});

test('a slot kept for small sectors, and a prover of others, need no memory for large ones', () => {
	const small = wanted('slots = [{ proof_types = ["window-2KiB"] }]', [10, 13]);
	const filter = { slot: 'cpu-0', proofTypes: [10], miners: null, readsOwnStorage: false };
	checkResources({ ...small, slotFilters: [filter] }, { ...plenty, memoryBytes: GB });
	checkResources(wanted('slots = 0\nexternal = [{ bin = "/p" }]', [13]), { ...plenty, memoryBytes: GB });
	checkResources(wanted('slots = [{ worker = ["/w"] }]', [13]), { ...plenty, memoryBytes: GB });
});

test('winning PoSt needs memory of its own, unless a program of its own makes it', () => {
	const machine = { ...plenty, memoryBytes: 0.1 * GB };
	checkResources(wanted('slots = 1', [10]), machine);
	const proving = { ...wanted('slots = 1', [10]), winning: [0, 3] };
	assert.throws(() => checkResources(proving, machine), { code: 'prover-memory' });
	checkResources(proving, { ...machine, memoryBytes: 0.4 * GB });
	const elsewhere = parseConfig('[prover]\nslots = 1\n[winning]\nworker = ["/w"]', '/etc/config.toml');
	checkResources({ ...proving, config: elsewhere }, machine);
});

test('fewer open files than the mesh has connections are refused; where nobody tells, nothing is', () => {
	checkResources(wanted('', [10], 100), { ...plenty, openFiles: 464 });
	assert.throws(() => checkResources(wanted('', [10], 100), { ...plenty, openFiles: 463 }), {
		code: 'node-open-files',
	});
	checkResources(wanted('', [10], 100), { ...plenty, openFiles: undefined });
});

test('this machine tells its memory, and on Linux its open files', async () => {
	const { memoryBytes, openFiles } = await thisMachine();
	assert.ok(memoryBytes > GB / 4);
	if (process.platform === 'linux') {
		assert.ok((await readFile('/proc/self/limits', 'utf8')).includes(`${openFiles ?? 'unlimited'}`));
	}
});

test('a list of cores names so many threads', () => {
	assert.equal(coresOf('0-7,16'), 9);
	assert.equal(coresOf('0,0-1'), 2);
	assert.equal(coresOf(undefined), undefined);
	assert.throws(() => parseConfig('[prover]\nslots = [{ cpus = "all" }]', '/c'), /is no list of cores/);
});
