/** Tables of plain text: columns as wide as their content, colours only where stdout is a terminal that shows them. */
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

export interface Cell {
	readonly text: string;
	readonly style?: Style;
}

export interface Column<Row> {
	readonly title: string;
	readonly align: 'left' | 'right';
	readonly cell: (row: Row) => Cell | string;
}

const GAP = '  ';

/**
 * Lines without a trailing newline. `maxWidth` cuts the last column, or leaves it out where not even its title fits: a
 * wrapped line would break `--watch`.
 */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], maxWidth = Infinity): string {
	const cells = rows.map((row) => columns.map((column) => toCell(column.cell(row))));
	const widths = columns.map(({ title }, i) =>
		Math.max(title.length, ...cells.map((line) => line[i]?.text.length ?? 0)),
	);
	const last = columns.length - 1;
	const before = widths.slice(0, last).reduce((sum, width) => sum + width + GAP.length, 0);
	const room = maxWidth - before;
	if (last > 0 && room < (columns[last]?.title.length ?? 0)) return renderTable(columns.slice(0, last), rows);
	widths[last] = Math.min(widths[last] as number, room);
	const line = (parts: readonly Cell[]): string =>
		parts
			.map((part, i) =>
				styled(pad(part.text, widths[i] as number, columns[i]?.align === 'right', i === last), part.style),
			)
			.join(GAP);
	const head = columns.map(({ title }): Cell => ({ text: title, style: 'bold' }));
	return [head, ...cells].map(line).join('\n');
}

function toCell(cell: Cell | string): Cell {
	return typeof cell === 'string' ? { text: cell } : cell;
}

function pad(text: string, width: number, toRight: boolean, isLast: boolean): string {
	if (text.length > width) return `${text.slice(0, width - 1)}…`;
	if (toRight) return text.padStart(width);
	return isLast ? text : text.padEnd(width);
}

function styled(text: string, style: Style | undefined): string {
	return style === undefined ? text : styleText(style, text);
}
