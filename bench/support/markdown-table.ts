import { cpus } from 'node:os';

/** A Markdown table; numbers are right-aligned by their column, the first column is text. */
export function markdownTable(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const rule = columns.map((_, index) => (index === 0 ? '---' : '---:'));
  return [tableLine(columns), tableLine(rule), ...rows.map(tableLine)].join('\n');
}

/** One line of a table: a further row of one that grows. */
export function tableLine(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** A number for a table cell; `-` where there is none. */
export function cell(value: number | null, digits = 1): string {
  return value === null || !Number.isFinite(value) ? '-' : value.toFixed(digits);
}

/** The machine, for the line above a table. */
export function machineName(): string {
  const [cpu] = cpus();
  return `${cpu?.model ?? 'unknown CPU'}, ${cpus().length} threads, Node ${process.versions.node}`;
}
