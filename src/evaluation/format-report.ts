import type { Calibration } from './calibration.ts';
import type { Pool, PromptPool, Row, SettingSummary } from './summarize.ts';

/** The tables of `maskstream eval` as text. */
export function formatReport(
  summaries: readonly SettingSummary[],
  pooled: readonly PromptPool[],
): string {
  return `${[...summaries.map(formatSummary), ...pooled.map(formatPooled)].join('\n\n')}\n`;
}

function formatSummary({ setting, clips, davis, others, pools }: SettingSummary): string {
  const means = [davis, others].filter((row) => row !== null);
  const clipTable = formatTable([clipHeader, ...[...clips, ...means].map(clipCells)]);
  return [
    `prompt ${setting.prompt}, keyframes ${setting.keyframes}`,
    '',
    clipTable,
    '',
    'calibration, by frames since the keyframe',
    '',
    formatPools(pools),
  ].join('\n');
}

function formatPooled({ keyframes, prompts, pools }: PromptPool): string {
  const title = `prompts ${prompts.join(', ')} together, keyframes ${keyframes}: calibration`;
  return [title, '', formatPools(pools)].join('\n');
}

function formatPools(pools: readonly Pool[]): string {
  return formatTable([
    calibrationHeader,
    ...pools.flatMap((pool) => [
      calibrationCells(pool.name, pool.all),
      ...pool.byAge.map(({ ages, calibration }) => calibrationCells(`  ${ages}`, calibration)),
    ]),
  ]);
}

const clipHeader = [
  'clip',
  'frames',
  'objects',
  'J',
  'F',
  'J&F',
  'recall',
  'decay',
  'stability',
  'keyframes',
  'encoder/frame',
  'CPU ms/frame',
  'less decoding',
];

function clipCells(row: Row): string[] {
  return [
    row.name,
    String(row.frames),
    String(row.objects),
    score(row.region),
    score(row.boundary),
    score(row.regionAndBoundary),
    score(row.regionRecall),
    score(row.regionDecay),
    score(row.stability),
    String(row.keyframes),
    row.encoderRunsPerFrame.toFixed(2),
    milliseconds(row.cpuMsPerFrame),
    milliseconds(row.cpuMsPerFrameWithoutDecoding),
  ];
}

const calibrationHeader = ['clips', 'samples', 'confidence', 'IoU', 'ECE', 'AUROC', 'IoU < 0.5'];

function calibrationCells(name: string, of: Calibration): string[] {
  return [
    name,
    String(of.samples),
    score(of.meanConfidence),
    score(of.meanIou),
    score(of.ece),
    of.auroc === null ? '-' : score(of.auroc),
    String(of.bad),
  ];
}

/** Columns padded to their widest cell; the first to the left, numbers to the right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function score(value: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(3);
}

function milliseconds(value: number | null): string {
  return value === null ? '-' : value.toFixed(1);
}
