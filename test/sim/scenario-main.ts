/** `npm run sim:scenarios`: asks the questions of scenarios.ts and fails unless every bound is kept. */
import { parseArgs } from 'node:util';
import { type Answer, type Bound, SCENARIOS } from './scenarios.ts';

const USAGE = `npm run sim:scenarios -- [--seeds K] [--first-seed S] [NAME ...]
  one JSON object for each; exit code 1 when a bound is not kept
${Object.entries(SCENARIOS)
	.map(([name, { about, seeds }]) => `  ${name}: ${about} (${seeds} seeds)`)
	.join('\n')}`;

function isKept(answer: Answer): boolean {
	return Object.values(answer).every((figure) => {
		if (typeof figure !== 'object') return true;
		const { value, most }: Bound = figure;
		return value !== null && value <= most;
	});
}

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		help: { type: 'boolean', default: false },
		seeds: { type: 'string' },
		'first-seed': { type: 'string', default: '1' },
	},
});
const names = positionals.length === 0 ? Object.keys(SCENARIOS) : positionals;
const unknown = names.filter((name) => SCENARIOS[name] === undefined);
if (values.help || unknown.length > 0) {
	for (const name of unknown) console.error(`no scenario is called ${name}`);
	console.log(USAGE);
	process.exitCode = unknown.length > 0 ? 2 : 0;
} else {
	for (const name of names) {
		const scenario = SCENARIOS[name];
		if (scenario === undefined) continue;
		const count = Number(values.seeds ?? scenario.seeds);
		const answer = scenario.run(Array.from({ length: count }, (_, i) => Number(values['first-seed']) + i));
		const kept = isKept(answer);
		console.log(JSON.stringify({ scenario: name, kept, ...answer }));
		if (!kept) process.exitCode = 1;
	}
}
