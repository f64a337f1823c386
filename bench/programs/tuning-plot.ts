/*
 * Draws what keyframes cost against what they bring, from a report of `maskstream eval --keyframes
 * 1,3,5,8,16,adaptive --json`: J&F over CPU milliseconds a frame, a line for each prompt.
 *
 *   npm run bench tuning-plot -- EVAL.json PLOT.svg
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { usageError } from '../../src/frame/errors.ts';
import { parseBenchWords } from '../support/bench-options.ts';
import type { SettingSummary } from '../../src/evaluation/summarize.ts';

/** One setting on the plot. */
type Point = {
  readonly prompt: string;
  readonly keyframes: string;
  readonly cpuMs: number;
  readonly score: number;
};

const plot = { left: 60, top: 40, width: 460, height: 280 } as const;
const width = plot.left + plot.width + 24;
const height = plot.top + plot.height + 48;
/** Okabe and Ito's palette: told apart by colour-blind readers too. */
const colours: Readonly<Record<string, string>> = {
  mask: '#0072b2',
  box: '#009e73',
  point: '#d55e00',
};

const [from, to] = parseBenchWords({ allowPositionals: true }).positionals;
if (from === undefined || to === undefined) throw usageError('expected EVAL.json and PLOT.svg');
const { summaries } = JSON.parse(readFileSync(from, 'utf8')) as {
  readonly summaries: readonly SettingSummary[];
};
writeFileSync(to, drawPlot(summaries));

function drawPlot(settings: readonly SettingSummary[]): string {
  const rows = settings.map(({ setting, davis, others }) => ({ setting, row: davis ?? others }));
  const points = rows.flatMap(({ setting, row }): Point[] =>
    row?.cpuMsPerFrame == null
      ? []
      : [{ ...setting, cpuMs: row.cpuMsPerFrame, score: row.regionAndBoundary }],
  );
  if (points.length === 0) throw usageError(`${from}: expected settings with CPU time, got none`);
  const name = rows.find(({ row }) => row !== null)?.row?.name ?? '';
  const x = scale([0, Math.max(...points.map(({ cpuMs }) => cpuMs)) * 1.12], plot.left, plot.width);
  const scores = points.map(({ score }) => score);
  const low = Math.floor(Math.min(...scores) * 20) / 20;
  const high = Math.ceil(Math.max(...scores) * 20) / 20;
  const y = (score: number) =>
    round(plot.top + plot.height * (1 - (score - low) / Math.max(0.01, high - low)));
  const prompts = [...new Set(points.map(({ prompt }) => prompt))];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(
      plot.left,
      18,
      `Accuracy against cost: one keyframe every N frames, or adaptive (${name})`,
    ),
    ...axis(x.ticks, (tick) => [x.at(tick), plot.top + plot.height], 'x'),
    ...axis(scoreTicks(low, high), (tick) => [plot.left, y(tick)], 'y'),
    text(plot.left + plot.width / 2, height - 8, 'CPU ms a frame, decoding included', 'middle'),
    `<text transform="translate(16 ${plot.top + plot.height / 2}) rotate(-90)" text-anchor="middle">J&amp;F</text>`,
    ...prompts.flatMap((prompt) => series(prompt, points, { x: x.at, y })),
    ...prompts.map((prompt, at) => {
      const label = text(
        plot.left + plot.width - 8,
        plot.top + plot.height - 12 - at * 15,
        prompt,
        'end',
      );
      return `<g fill="${colours[prompt] ?? '#666'}">${label}</g>`;
    }),
    '</svg>\n',
  ].join('\n');
}

type Scales = { readonly x: (value: number) => number; readonly y: (value: number) => number };

/** The fixed intervals as a line, the adaptive policy as a ring beside it. */
function series(prompt: string, points: readonly Point[], { x, y }: Scales): string[] {
  const own = points.filter((point) => point.prompt === prompt);
  const fixed = own.filter(({ keyframes }) => /^\d+$/.test(keyframes));
  const line = fixed.toSorted((a, b) => a.cpuMs - b.cpuMs);
  const colour = colours[prompt] ?? '#666';
  const corners = line.map(({ cpuMs, score }) => `${x(cpuMs)},${y(score)}`).join(' ');
  return [
    `<polyline points="${corners}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
    ...own.map(({ keyframes, cpuMs, score }) => {
      const isFixed = fixed.some((point) => point.keyframes === keyframes);
      const [atX, atY] = [x(cpuMs), y(score)];
      const fill = isFixed ? colour : '#fff';
      const [labelX, anchor] = isFixed ? [atX + 8, 'start'] : [atX - 9, 'end'];
      return `<circle cx="${atX}" cy="${atY}" r="${isFixed ? 3.5 : 5}" fill="${fill}" stroke="${colour}" stroke-width="1.5"/>${text(labelX, atY + (isFixed ? 12 : -6), keyframes, anchor)}`;
    }),
  ];
}

function axis(
  ticks: readonly number[],
  at: (tick: number) => readonly [number, number],
  which: 'x' | 'y',
): string[] {
  return ticks.map((tick) => {
    const [x, y] = at(tick);
    const [toX, toY] = which === 'x' ? [x, plot.top] : [plot.left + plot.width, y];
    const line = `<line x1="${x}" y1="${y}" x2="${toX}" y2="${toY}" stroke="#e4e4e4"/>`;
    return which === 'x'
      ? line + text(x, y + 15, String(tick), 'middle')
      : line + text(x - 7, y + 4, tick.toFixed(2), 'end');
  });
}

/** From 0 in steps of 10. */
function scale([low, high]: readonly [number, number], start: number, length: number) {
  const ticks = Array.from({ length: Math.floor(high / 10) + 1 }, (_, index) => index * 10);
  return { ticks, at: (value: number) => round(start + (length * (value - low)) / (high - low)) };
}

function scoreTicks(low: number, high: number): number[] {
  const steps = Math.round((high - low) / 0.05);
  return Array.from({ length: steps + 1 }, (_, index) => low + index * 0.05);
}

function text(x: number, y: number, words: string, anchor = 'start'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${words}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
