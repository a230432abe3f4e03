/** `replay`: makes the recorded decisions of a node again, in words, and says whether they are the same. */
import { isPosterError } from '../../domain/errors.ts';
import { findRecordings, openReplay, type ReplayedStep } from '../../node/recorder/replay.ts';
import { EXIT } from '../exit.ts';
import { printJson, printRemark, printText } from '../output.ts';
import { renderHead, renderReplayed, renderSummary, type SegmentReport } from '../render/replay.ts';

export interface ReplayOptions {
	readonly from?: number;
	readonly compare?: boolean;
	readonly json?: boolean;
}

export async function replay(path: string, options: ReplayOptions): Promise<void> {
	const reports: SegmentReport[] = [];
	const files = await findRecordings(path);
	for (const file of files) {
		const report = await replayFile(file, options).catch((error: unknown) => {
			// A node that is killed as it begins a segment leaves one without a state; the others are whole.
			if (!isPosterError(error, 'recording-torn') || files.length === 1) throw error;
			printRemark(error.message);
			return undefined;
		});
		if (report !== undefined) reports.push(report);
	}
	if (options.json) printJson({ segments: reports, same: reports.every(({ same }) => same) });
	if (reports.some(({ same }) => !same)) process.exitCode = EXIT.failed;
}

async function replayFile(file: string, options: ReplayOptions): Promise<SegmentReport> {
	const segment = await openReplay(file, { compare: options.compare === true });
	const { header } = segment;
	const node = header.name;
	try {
		if (!options.json) printText(renderHead(file, header));
		let [steps, decisions] = [0, 0];
		let last: ReplayedStep | undefined;
		for await (const made of segment.steps()) {
			steps++;
			decisions += made.told.length;
			last = made;
			if (made.step >= (options.from ?? 0)) tell(node, made, options);
		}
		const difference = last?.difference ? { ...last.difference, step: last.step, replayed: last.told } : null;
		const report = {
			file,
			node,
			program: header.program,
			core: header.core,
			firstStep: header.step,
			steps,
			decisions,
			same: difference === null,
			difference,
			failure: last?.failure ?? null,
			tornBytes: segment.tornBytes(),
		};
		if (!options.json) printText(renderSummary(report));
		return report;
	} finally {
		await segment.close();
	}
}

function tell(node: string, made: ReplayedStep, { json }: ReplayOptions): void {
	for (const { work, ...told } of made.told) {
		const { wallMs, step } = made;
		if (json) printJson({ wallMs, step, node, ...told, work });
		else printText(renderReplayed({ wallMs, step, node, ...told, work }));
	}
}
