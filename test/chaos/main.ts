/**
 * `npm run chaos -- [--seed S] [--minutes M] [--nemesis all|none|LIST] [--gap SECONDS] [--keep] [--json]`: eight real
 * nodes prove deadline after deadline while a seeded nemesis kills, stops, cuts and fills; then everything is judged.
 * `--json` prints one object last, with the fields of `npm run sim` and `injected`, `survived`, `notInjected`.
 */
import { parseArgs } from 'node:util';
import { FAULT_KINDS, type FaultKind } from './faults.ts';
import { type ChaosReport, runChaos } from './run.ts';

const { values } = parseArgs({
	options: {
		seed: { type: 'string', default: '1' },
		minutes: { type: 'string', default: '3' },
		nemesis: { type: 'string', default: 'all' },
		gap: { type: 'string', default: '6' },
		'prove-ms': { type: 'string', default: '8000' },
		keep: { type: 'boolean', default: false },
		json: { type: 'boolean', default: false },
	},
});

function kindsOf(text: string): readonly FaultKind[] {
	if (text === 'all') return FAULT_KINDS;
	if (text === 'none') return [];
	return text.split(',').map((name) => {
		const kind = FAULT_KINDS.find((known) => known === name);
		if (kind === undefined) throw new Error(`no fault ${name}: --nemesis takes ${FAULT_KINDS.join(', ')}, all or none`);
		return kind;
	});
}

const report = await runChaos(
	{
		seed: Number(values.seed),
		minutes: Number(values.minutes),
		kinds: kindsOf(values.nemesis),
		gapMs: Number(values.gap) * 1_000,
		proveMs: Number(values['prove-ms']),
		keep: values.keep,
	},
	(line) => console.error(line),
);
if (values.json) console.log(JSON.stringify(report));
else summarize(report);
if (report.missed > 0 || report.violations > 0) process.exitCode = 1;

function summarize(run: ChaosReport): void {
	const { takeoverResetMs: reset, takeoverSilentMs: silent } = run;
	console.log(
		`${run.items} partitions in ${run.virtualSeconds} s: missed ${run.missed}, excused ${run.excused}, ` +
			`violations ${run.violations}, paid twice ${run.paidTwice}`,
	);
	console.log(`injected ${JSON.stringify(run.injected)}`);
	console.log(`survived ${JSON.stringify(run.survived)}`);
	if (Object.keys(run.notInjected).length > 0) console.log(`not injected ${JSON.stringify(run.notInjected)}`);
	console.log(`takeover after death: n ${reset.n}, p50 ${reset.p50} ms, p99 ${reset.p99} ms, max ${reset.max} ms`);
	console.log(
		`takeover after silence: n ${silent.n}, p50 ${silent.p50} ms, p99 ${silent.p99} ms, max ${silent.max} ms`,
	);
	console.log(`other cases ${JSON.stringify(run.takeoverApart)}`);
	for (const problem of run.problems) console.log(problem);
}
