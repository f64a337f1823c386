/*
 * Draws the calibration of `maskstream eval ... --json`: mean true IoU against mean confidence, over
 * all prompts together and for each, and below it how many masks have each confidence.
 *
 *   npm run bench reliability-plot -- EVAL.json PLOT.svg [--keyframes adaptive]
 */
import { usageError } from '../../src/frame/errors.ts';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseBenchWords } from '../support/bench-options.ts';
import type { Calibration, ReliabilityBin } from '../../src/evaluation/calibration.ts';
import type { Pool, PromptPool, SettingSummary } from '../../src/evaluation/summarize.ts';

type Report = {
  readonly summaries: readonly SettingSummary[];
  readonly pooled: readonly PromptPool[];
};

/** One line of the plot. */
type Series = { readonly name: string; readonly colour: string; readonly calibration: Calibration };

/** Side of the square that confidence and IoU span, in pixels. */
const side = 360;
const left = 56;
const top = 40;
const barTop = top + side + 14;
const barHeight = 70;
const width = left + side + 24;
const height = barTop + barHeight + 44;
/** Bins with fewer masks than this are left out of the lines of single prompts: they jump about. */
const fewestSamples = 8;
/** Okabe and Ito's palette: told apart by colour-blind readers too. */
const colours: Readonly<Record<string, string>> = {
  mask: '#0072b2',
  box: '#009e73',
  point: '#d55e00',
};

const { values, positionals } = parseBenchWords({
  allowPositionals: true,
  options: { keyframes: { type: 'string', default: 'adaptive' } },
});
const [from, to] = positionals;
if (from === undefined || to === undefined) throw usageError('expected EVAL.json and PLOT.svg');
const report = JSON.parse(readFileSync(from, 'utf8')) as Report;
writeFileSync(to, drawPlot(report, values.keyframes));

function drawPlot({ summaries, pooled }: Report, keyframes: string): string {
  const together = pooled.find((pool) => pool.keyframes === keyframes);
  const whole = together?.pools[0];
  if (together === undefined || whole === undefined) {
    throw usageError(`--keyframes: the report has no prompts together for "${keyframes}"`);
  }
  const single = summaries
    .filter(({ setting }) => setting.keyframes === keyframes)
    .flatMap(({ setting, pools }): Series[] => {
      const calibration = poolNamed(pools, whole.name)?.all;
      const colour = colours[setting.prompt] ?? '#666';
      return calibration ? [{ name: setting.prompt, colour, calibration }] : [];
    });
  const prompts = together.prompts.join(', ');
  const { samples, ece, auroc } = whole.all;
  const figures = `${samples} masks, calibration error ${ece.toFixed(3)}, AUROC ${auroc?.toFixed(3) ?? '-'}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(left, 16, `Confidence against true IoU: ${prompts}; keyframes ${keyframes}`),
    text(left, 30, figures, 'fill="#555"'),
    ...frame(),
    ...single.map(line),
    ...wholeMarks(whole.all.bins),
    ...legend(single),
    ...bars(whole.all.bins),
    '</svg>\n',
  ].join('\n');
}

function poolNamed(pools: readonly Pool[], name: string): Pool | undefined {
  return pools.find((pool) => pool.name === name);
}

/** Axes, grid, and the diagonal on which confidence is what it says. */
function frame(): string[] {
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1];
  return [
    ...ticks.flatMap((tick) => [
      stroke([x(tick), y(0)], [x(tick), y(1)], '#e4e4e4'),
      stroke([x(0), y(tick)], [x(1), y(tick)], '#e4e4e4'),
      text(left - 8, y(tick) + 4, tick.toFixed(1), 'text-anchor="end"'),
      text(x(tick), barTop + barHeight + 15, tick.toFixed(1), 'text-anchor="middle"'),
    ]),
    stroke([x(0), y(0)], [x(1), y(1)], '#999', 'stroke-dasharray="4 3"'),
    `<rect x="${left}" y="${top}" width="${side}" height="${side}" fill="none" stroke="#888"/>`,
    text(x(0.5), height - 10, 'confidence', 'text-anchor="middle"'),
    `<text transform="translate(16 ${y(0.5)}) rotate(-90)" text-anchor="middle">mean true IoU</text>`,
  ];
}

function line({ colour, calibration }: Series): string {
  const points = calibration.bins
    .filter(({ samples }) => samples >= fewestSamples)
    .map(({ meanConfidence, meanIou }) => `${x(meanConfidence)},${y(meanIou)}`);
  return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
}

/** A disc for each bin, its area by the masks in it. */
function wholeMarks(bins: readonly ReliabilityBin[]): string[] {
  const most = Math.max(...bins.map(({ samples }) => samples));
  return bins.map(({ samples, meanConfidence, meanIou }) => {
    const radius = round(2 + 8 * Math.sqrt(samples / most));
    return `<circle cx="${x(meanConfidence)}" cy="${y(meanIou)}" r="${radius}" fill="#000" fill-opacity="0.35" stroke="#000"/>`;
  });
}

function legend(single: readonly Series[]): string[] {
  const rows = [
    ['#000', 'together'],
    ...single.map(({ colour, name, calibration }) => [
      colour,
      `${name}: error ${calibration.ece.toFixed(3)}, AUROC ${calibration.auroc?.toFixed(3) ?? '-'}`,
    ]),
  ];
  return rows.flatMap(([colour = '', name = ''], i) => {
    const at = top + 18 + i * 16;
    return [
      `<circle cx="${left + 16}" cy="${at - 4}" r="4" fill="${colour}"/>`,
      text(left + 28, at, name),
    ];
  });
}

function bars(bins: readonly ReliabilityBin[]): string[] {
  const most = Math.max(...bins.map(({ samples }) => samples));
  return bins.map(({ samples, meanConfidence }) => {
    const tall = round((barHeight * samples) / most);
    const bin = Math.min(14, Math.floor(meanConfidence * 15));
    return [
      `<rect x="${x(bin / 15) + 1}" y="${barTop + barHeight - tall}" width="${round(side / 15 - 2)}" height="${tall}" fill="#999"/>`,
      text(
        x((bin + 0.5) / 15),
        barTop + barHeight - tall - 2,
        String(samples),
        'font-size="8" text-anchor="middle"',
      ),
    ].join('');
  });
}

function x(value: number): number {
  return round(left + value * side);
}

function y(value: number): number {
  return round(top + (1 - value) * side);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function text(atX: number, atY: number, words: string, attributes = ''): string {
  return `<text x="${atX}" y="${atY}" ${attributes}>${words}</text>`;
}

function stroke(
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
  colour: string,
  attributes = '',
): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${colour}" ${attributes}/>`;
}
