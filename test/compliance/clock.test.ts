import { createClock } from '../../src/adapters/observe/clock.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { clockCompliance } from './clock.ts';

clockCompliance('system', () => {
	const clock = createClock();
	return { clock, pass: (ms) => clock.sleep(ms) };
});

clockCompliance('manual', () => {
	const clock = new ManualClock();
	return { clock, pass: async (ms) => clock.advance(ms) };
});
