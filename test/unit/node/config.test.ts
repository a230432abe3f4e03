import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { isPosterError } from '../../../src/domain/errors.ts';
import { checkNetwork, configuredEpochMs, configuredRoles, loadConfig, parseConfig } from '../../../src/node/config.ts';
import { commentedConfig, configTable } from '../../../src/node/config-text.ts';

const repository = resolve(import.meta.dirname, '../../..');
const root = await mkdtemp(join(tmpdir(), 'poster-config-'));
after(() => rm(root, { recursive: true, force: true }));

const parse = (text: string): ReturnType<typeof parseConfig> => parseConfig(text, '/etc/poster/config.toml');

/** Each bad config and what its complaint must name. */
const bad: readonly (readonly [text: string, code: string, names: RegExp])[] = [
	['[network]\nlisten = "/ip4/0.0.0.0/tcp/1"', 'config-invalid', /\[network\] listen: must be of type array/],
	['[network]\nlisten = []', 'config-invalid', /\[network\] listen: needs at least 1 entries/],
	['[network]\nlisten = ["/ip4/nowhere"]', 'config-invalid', /\[network\] listen 0: is no multiaddr.*"\/ip4\/nowhere"/],
	['[network]\nbootstrap = ["/ip4/1.2.3.4/tcp/1"]', 'config-invalid', /must end in \/p2p\//],
	['[network]\nlistn = []', 'config-invalid', /\[network\]: unknown option "listn"; did you mean "listen"\?/],
	['[chian]\n', 'config-invalid', /unknown option or section "chian"; did you mean "chain"\?/],
	['[networks]\n', 'config-invalid', /unknown option or section "networks"; did you mean "network"\?/],
	['[wallet]\n', 'config-invalid', /"wallet"; known are log_level, epoch_ms, network, chain/],
	[
		'[prover]\nslots = [{ knd = "cpu" }]',
		'config-invalid',
		/\[prover\] slots 0: unknown option "knd"; did you mean "kind"\?/,
	],
	['[prover]\nslots = 0', 'config-invalid', /\[prover\] slots: needs at least 1, but it is 0/],
	['[prover]\nslots = "2"', 'config-invalid', /\[prover\] slots: is a count from 1 to 64/],
	['[chain]\n', 'config-invalid', /\[chain\] url: is missing/],
	['[chain]\nurl = "lotus:1234"', 'config-invalid', /\[chain\] url: is no http/],
	['[storage]\npaths = []', 'config-invalid', /\[storage\] paths: needs at least 1 entries/],
	['[submitter]\nminers = [{ miner = "f01000", wallet = "node" }]', 'config-invalid', /\[submitter\] needs \[chain\]/],
	['[submitter]\nminers = [{ miner = "f1abc", wallet = "node" }]', 'config-invalid', /miners 0 miner: is no miner id/],
	['[submitter]\nmax_fee_fil = 0.5\nminers = []', 'config-invalid', /max_fee_fil: must be of type string/],
	['[submitter]\nmax_fee_fil = "1e3"\nminers = []', 'config-invalid', /max_fee_fil: is an amount of FIL/],
	['[control]\naddress = "0.0.0.0:4150"', 'config-invalid', /\[control\] address: is no loopback address/],
	['[control]\naddress = "127.0.0.1:70000"', 'config-invalid', /above 65535/],
	['epoch_ms = 1.5', 'config-invalid', /epoch_ms: must be of type whole number/],
	['epoch_ms = 1', 'config-invalid', /epoch_ms/],
	['log_level = "loud"', 'config-invalid', /log_level/],
	['[network\n', 'config-syntax', /config\.toml:1:/],
	['[chain]\nurl = http://x', 'config-syntax', /config\.toml:2:/],
];

for (const [text, code, names] of bad) {
	test(`refused with the place and the reason: ${text.replaceAll('\n', ' ')}`, () => {
		assert.throws(
			() => parse(text),
			(error) => {
				assert.ok(isPosterError(error, code), String(error));
				assert.match(error.message, names);
				assert.ok(error.advice);
				return true;
			},
		);
	});
}

test('a letter left out of any section or option names the right one', () => {
	const names = configTable()
		.split(/^## /m)
		.flatMap((part) => {
			const section = /^`\[(\w+)\]`/.exec(part)?.[1];
			const keys = [...part.matchAll(/^\| `(\w+)` \|/gm)].map((match) => ({ section, key: match[1] as string }));
			return section === undefined ? keys : [...keys, { section: undefined, key: section }];
		});
	assert.ok(names.length > 25);
	fc.assert(
		fc.property(fc.constantFrom(...names), fc.nat({ max: 20 }), ({ section, key }, at) => {
			const typo = key.slice(0, at % key.length) + key.slice((at % key.length) + 1);
			const text = `${section === undefined ? '' : `[${section}]\n`}${typo} = 1`;
			assert.throws(() => parse(text), new RegExp(`unknown option.* "${typo}"; did you mean "${key}"`));
		}),
	);
});

test('many complaints are listed up to a bound, then counted', () => {
	const text = Array.from({ length: 30 }, (_, i) => `zzzz${i} = 1`).join('\n');
	assert.throws(
		() => parse(text),
		(error) => isPosterError(error) && error.message.includes('and 20 more') && error.meta['issues'] === 30,
	);
});

test('an empty file is a node without roles, with every default', () => {
	const config = parse('');
	assert.deepEqual(configuredRoles(config), []);
	assert.deepEqual(config.network, { listen: ['/ip4/0.0.0.0/tcp/4101'], announce: [], bootstrap: [], dht: true });
	assert.equal(config.control.address, '127.0.0.1:0');
	assert.equal(config.epochMs, undefined);
});

test('roles are what is configured; amounts, ids, slots and paths come out ready for use', () => {
	const config = parse(`
[chain]
url = "ws://127.0.0.1:1234/rpc/v1"
token_file = "~/token"
[storage]
paths = ["sectors", "/mnt/x"]
[prover]
slots = 2
[submitter]
max_fee_fil = "0.25"
miners = [{ miner = "t01000", wallet = "key" }, { miner = "f02", wallet = "node" }]
[proofs]
test_parameters = "./test"`);
	assert.deepEqual(configuredRoles(config), ['chain', 'storage', 'prover', 'submitter']);
	assert.equal(config.chain?.tokenFile, join(homedir(), 'token'));
	assert.deepEqual(config.storage?.paths, ['/etc/poster/sectors', '/mnt/x']);
	assert.deepEqual(config.prover?.slots, [{ kind: 'cpu' }, { kind: 'cpu' }]);
	assert.equal(config.submitter?.maxFeeFil, 250_000_000_000_000_000n);
	assert.deepEqual(config.submitter?.miners, [
		{ miner: 1000, wallet: '/etc/poster/key' },
		{ miner: 2, wallet: 'node' },
	]);
	assert.equal(config.proofs.testParameters, '/etc/poster/test');
});

test('test parameters are refused where real storage is proven, and nowhere else', () => {
	const config = parse('[proofs]\ntest_parameters = "x"');
	for (const network of ['mainnet', 'testnetnet', 'calibrationnet']) {
		assert.throws(
			() => checkNetwork(config, network),
			(error) => isPosterError(error, 'config-test-parameters'),
		);
	}
	checkNetwork(config, 'testing');
	checkNetwork(parse(''), 'mainnet');
});

test('the epoch is configured, known of the network, or to be learned', () => {
	assert.equal(configuredEpochMs(parse('epoch_ms = 400'), 'mainnet'), 400);
	assert.equal(configuredEpochMs(parse(''), 'calibrationnet'), 30_000);
	assert.equal(configuredEpochMs(parse(''), 'testing'), undefined);
});

test('the commented config means what an empty one means, and what its values say', () => {
	assert.deepEqual(parse(commentedConfig({})), parse(''));
	const text = commentedConfig({ chain: { url: 'ws://h/rpc/v1' }, prover: { slots: [{ kind: 'gpu', device: 1 }] } });
	const config = parse(text);
	assert.equal(config.chain?.url, 'ws://h/rpc/v1');
	assert.deepEqual(config.prover?.slots, [{ kind: 'gpu', device: 1 }]);
});

test('every commented option is valid when its comment sign is removed', () => {
	const text = commentedConfig({}).replace(/^# (\[\w+\]|\w+ = .*)$/gm, '$1');
	const config = parse(text.replaceAll('12D3KooW…', '12D3KooWBXvQwoQpTCQoSU6VVCpJBZjoxVqPmwwNMjFi2GuFNqn8'));
	assert.deepEqual(configuredRoles(config), ['chain', 'storage', 'prover', 'submitter']);
});

test('docs/config.md holds the table of the options as they are', async () => {
	const page = await readFile(join(repository, 'docs/config.md'), 'utf8');
	assert.ok(page.includes(configTable()), 'write it anew: npm run docs:config');
});

test('every example config in bootstrap/ is valid', async () => {
	const folder = join(repository, 'bootstrap');
	const examples = (await readdir(folder)).filter((name) => name.endsWith('.toml'));
	assert.deepEqual(examples.sort(), [
		'all-in-one.toml',
		'bootstrap.toml',
		'chain-submitter.toml',
		'prover.toml',
		'storage.toml',
	]);
	const roles = await Promise.all(
		examples.map(async (name) => configuredRoles(parseConfig(await readFile(join(folder, name), 'utf8'), name))),
	);
	assert.deepEqual(roles, [
		['chain', 'storage', 'prover', 'submitter'],
		[],
		['chain', 'submitter'],
		['prover'],
		['storage'],
	]);
});

test('a file that a role cannot do without must be there; a missing disk must not stop the other disks', async () => {
	const file = join(root, 'config.toml');
	await assert.rejects(loadConfig(file), (error) => isPosterError(error, 'config-missing'));
	await writeFile(file, '[storage]\npaths = ["/not/mounted"]');
	await loadConfig(file);
	await writeFile(file, '[chain]\nurl = "http://x"\ntoken_file = "none"');
	await assert.rejects(
		loadConfig(file),
		(error) => isPosterError(error, 'config-path') && /token_file/.test(error.message),
	);
	await writeFile(file, '[chain]\nurl = "http://x"\n[submitter]\nminers = [{ miner = "f01", wallet = "none" }]');
	await assert.rejects(
		loadConfig(file),
		(error) => isPosterError(error, 'config-path') && /wallet/.test(error.message),
	);
});

test('what is no text reaches no terminal as it is', () => {
	assert.throws(
		() => parse('\u0007\u001b[31m = 1\n'),
		(error) => isPosterError(error, 'config-syntax') && !/[\p{Cc}--\n]/v.test(error.message),
	);
});
