/*
 * Draws what a server held over a long load, from `npm run bench soak -- --minutes N --samples FILE`:
 * resident memory of every sample and its line after warming up, and handles below.
 *
 *   npm run bench soak-plot -- SAMPLES.json PLOT.svg
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { usageError } from '../../src/frame/errors.ts';
import { parseBenchWords } from '../support/bench-options.ts';
import { linearTrend } from '../support/linear-trend.ts';
import type { SoakRecord, SoakSample } from '../support/mixed-soak.ts';

type Panel = { readonly top: number; readonly height: number };

const left = 60;
const panelWidth = 560;
const memory: Panel = { top: 40, height: 200 };
const handles: Panel = { top: 272, height: 80 };
const width = left + panelWidth + 24;
const height = handles.top + handles.height + 44;
/** Okabe and Ito's palette: told apart by colour-blind readers too. */
const [blue, orange, green] = ['#0072b2', '#d55e00', '#009e73'];

const [from, to] = parseBenchWords({ allowPositionals: true }).positionals;
if (from === undefined || to === undefined) throw usageError('expected SAMPLES.json and PLOT.svg');
writeFileSync(to, drawPlot(JSON.parse(readFileSync(from, 'utf8')) as SoakRecord));

function drawPlot({ machine, minutes, warm, conversations, samples }: SoakRecord): string {
  if (samples.length === 0) throw usageError(`${from}: expected samples, got none`);
  const x = (minute: number) => round(left + (panelWidth * minute) / minutes);
  const megabytes = scale(memory, (sample) => sample.residentMb, samples);
  const count = scale(handles, (sample) => Math.max(sample.handles, sample.threads), samples);
  const path = (of: (sample: SoakSample) => number, y: (value: number) => number) =>
    samples.map((sample) => `${x(sample.minute)},${y(of(sample))}`).join(' ');
  const means = minuteMeans(samples, warm, minutes);
  const { slope, low, high } = linearTrend(means.map(({ at, mean }) => [at / 60, mean]));
  const centre = means.reduce((sum, { at }) => sum + at, 0) / means.length;
  const middle = means.reduce((sum, { mean }) => sum + mean, 0) / means.length;
  const trend = (minute: number) => megabytes.at(middle + (slope * (minute - centre)) / 60);
  const line = `${slope.toFixed(1)} MB an hour after ${warm} minutes (95 %: ${low.toFixed(1)} to ${high.toFixed(1)})`;
  const ticks = Array.from({ length: Math.floor(minutes / 5) + 1 }, (_, index) => index * 5);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(left, 16, `${conversations} conversations of all kinds in ${minutes} minutes`),
    text(left, 31, `${machine}; ${line}`),
    ...megabytes.grid,
    ...count.grid,
    ...ticks.map((tick) => text(x(tick), handles.top + handles.height + 15, `${tick}`, 'middle')),
    text(left + panelWidth / 2, height - 8, 'minutes', 'middle'),
    polyline(
      path((sample) => sample.residentMb, megabytes.at),
      blue,
    ),
    `<line x1="${x(warm)}" y1="${trend(warm)}" x2="${x(minutes)}" y2="${trend(minutes)}" stroke="${orange}" stroke-width="2"/>`,
    polyline(
      path((sample) => sample.handles, count.at),
      green,
    ),
    polyline(
      path((sample) => sample.threads, count.at),
      blue,
    ),
    label(memory, 'resident MB'),
    label(handles, 'handles, threads'),
    '</svg>\n',
  ].join('\n');
}

/** Mean resident memory of each whole minute after the warm-up, in megabytes. */
function minuteMeans(
  samples: readonly SoakSample[],
  warm: number,
  minutes: number,
): { readonly at: number; readonly mean: number }[] {
  return Array.from({ length: Math.floor(minutes) - warm }, (_, index) => warm + index).flatMap(
    (minute) => {
      const own = samples.filter((sample) => Math.floor(sample.minute) === minute);
      const sum = own.reduce((total, { residentMb }) => total + residentMb, 0);
      return own.length === 0 ? [] : [{ at: minute + 0.5, mean: sum / own.length }];
    },
  );
}

/** From 0, in steps that are easy to read. */
function scale(
  { top, height: tall }: Panel,
  of: (sample: SoakSample) => number,
  samples: readonly SoakSample[],
): { readonly at: (value: number) => number; readonly grid: readonly string[] } {
  const most = Math.max(...samples.map(of));
  const step = [10, 20, 50, 100, 200, 500, 1000].find((size) => most / size <= 6) ?? 2000;
  const end = Math.ceil(most / step) * step;
  const at = (value: number) => round(top + tall * (1 - value / end));
  const grid = Array.from({ length: end / step + 1 }, (_, index) => {
    const y = at(index * step);
    const rule = `<line x1="${left}" y1="${y}" x2="${left + panelWidth}" y2="${y}" stroke="#e4e4e4"/>`;
    return rule + text(left - 7, y + 4, `${index * step}`, 'end');
  });
  return { at, grid };
}

function polyline(points: string, colour = ''): string {
  return `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="1"/>`;
}

function label({ top, height: tall }: Panel, words: string): string {
  return `<text transform="translate(16 ${top + tall / 2}) rotate(-90)" text-anchor="middle">${words}</text>`;
}

function text(x: number, y: number, words: string, anchor = 'start'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${words}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
