import { describe, expect, test } from 'vitest';
import { formatReport, formatTable } from '../../src/evaluation/format-report.ts';
import { summarize } from '../../src/evaluation/summarize.ts';
import { clipResult } from '../fixtures/clip-result.ts';

const setting = { prompt: 'box', keyframes: 'adaptive' } as const;

describe('the report', () => {
  test('has a line for each clip, each mean and each age, and a dash for what is not known', () => {
    const results = [{ ...clipResult('goat', { scores: [0.9] }), cpuMsPerFrame: null }];
    const lines = formatReport([summarize(setting, results)], []).split('\n');
    expect(lines[0]).toBe('prompt box, keyframes adaptive');
    const goat = lines.find((line) => line.startsWith('goat'))!;
    expect(goat.split(/ {2,}/)).toEqual([
      'goat',
      '10',
      '1',
      '0.900',
      '0.800',
      '0.850',
      '1.000',
      '0.000',
      '0.700',
      '1',
      '0.10',
      '-',
      '7.0',
    ]);
    expect(lines.some((line) => line.startsWith('mean of 1 DAVIS'))).toBe(true);
    expect(lines.some((line) => /^ {2}1-2 +1 /.test(line))).toBe(true);
  });

  test('aligns its columns: names to the left, numbers to the right', () => {
    expect(
      formatTable([
        ['clip', 'J'],
        ['a', '0.5'],
        ['longer', '10'],
      ]),
    ).toBe('clip      J\na       0.5\nlonger   10');
  });
});
