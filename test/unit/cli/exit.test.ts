/** Exit codes: what a script or a supervisor can rely on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXIT, exitCodeOf } from '../../../src/cli/exit.ts';
import { PosterError } from '../../../src/domain/errors.ts';

const CODES: Readonly<Record<keyof typeof EXIT, readonly string[]>> = {
	ok: [],
	// What another try may mend: a supervisor starts the node again.
	failed: [
		...['chain-unreachable', 'native-build', 'chain-rpc', 'demo-interrupted'],
		// Whoever has the port may be gone in a moment.
		...['port-in-use', 'control-address', 'mesh-listen'],
	],
	usage: ['usage'],
	home: [
		...['config-invalid', 'home-missing', 'home-in-use', 'key-missing', 'key-bad', 'store-io', 'file-too-long'],
		...['roster-bad', 'invite-bad', 'mesh-cloned', 'native-missing', 'native-no-cargo', 'native-refused'],
		...['prover-no-gpu', 'prover-no-params', 'prover-no-key'],
	],
	notRunning: ['node-not-running'],
	refused: ['roster-signature', 'roster-older', 'not-in-roster', 'control-token', 'chain-permission', 'key-mode'],
};

test('a failure has the exit code of its kind; what is no error of the world has 1', () => {
	for (const [kind, codes] of Object.entries(CODES)) {
		for (const code of codes) {
			assert.equal(exitCodeOf(new PosterError(code, 'why')), EXIT[kind as keyof typeof EXIT], code);
		}
	}
	assert.equal(exitCodeOf(new Error('a bug')), EXIT.failed);
	assert.equal(exitCodeOf('thrown'), EXIT.failed);
});
