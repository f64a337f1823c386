import { describe, expect, test } from 'vitest';
import type { ClipResult } from '../../src/evaluation/evaluate-clip.ts';
import { poolPrompts, summarize } from '../../src/evaluation/summarize.ts';
import { clipResult } from '../fixtures/clip-result.ts';

const setting = { prompt: 'box', keyframes: 'adaptive' } as const;

describe('a summary', () => {
  const results: ClipResult[] = [
    clipResult('goat', { scores: [0.9], frames: 10, keyframes: 2, encoderRuns: 5 }),
    clipResult('camel', { scores: [0.5, 0.7], frames: 30, keyframes: 4, encoderRuns: 6 }),
    clipResult('mine', { scores: [0.2], frames: 50, keyframes: 1, encoderRuns: 5 }),
  ];
  const { clips, davis, others, pools } = summarize(setting, results);

  test('takes the mean over the objects of a clip', () => {
    expect(clips.map(({ name, objects }) => [name, objects])).toEqual([
      ['goat', 1],
      ['camel', 2],
      ['mine', 1],
    ]);
    expect(clips[1]?.region).toBeCloseTo(0.6, 12);
    expect(clips[1]?.regionAndBoundary).toBeCloseTo((0.6 + 0.5) / 2, 12);
    expect(clips[1]?.encoderRunsPerFrame).toBeCloseTo(0.2, 12);
  });

  test('keeps the clips of DAVIS apart; each counts alike, whatever its length and objects', () => {
    expect(davis).toMatchObject({ name: 'mean of 2 DAVIS', clips: 2, frames: 40, keyframes: 6 });
    expect(davis?.region).toBeCloseTo((0.9 + 0.6) / 2, 12);
    expect(davis?.encoderRunsPerFrame).toBeCloseTo((0.5 + 0.2) / 2, 12);
    expect(others?.region).toBeCloseTo(0.2, 12);
    expect(pools.map(({ name, all }) => [name, all.samples])).toEqual([
      ['DAVIS', 3],
      ['others', 1],
    ]);
  });

  test('has no mean of clips that were not run, and no cost that was not measured', () => {
    const one = { ...results[0]!, cpuMsPerFrame: null };
    const summary = summarize(setting, [one, results[1]!]);
    expect(summary.others).toBeNull();
    expect(summary.davis?.cpuMsPerFrame).toBeNull();
    expect(summary.davis?.cpuMsPerFrameWithoutDecoding).toBeCloseTo(7, 12);
    expect(summarize(setting, []).pools).toEqual([]);
  });
});

test('prompts are pooled where more than one ran under the same keyframes', () => {
  const results = [
    clipResult('goat', { setting, scores: [0.9] }),
    clipResult('goat', { setting: { prompt: 'mask', keyframes: 'adaptive' }, scores: [0.8] }),
    clipResult('goat', { setting: { prompt: 'mask', keyframes: '10' }, scores: [0.7] }),
  ];
  const pooled = poolPrompts(results);
  expect(pooled.map(({ keyframes, prompts }) => [keyframes, prompts])).toEqual([
    ['adaptive', ['box', 'mask']],
  ]);
  expect(pooled[0]?.pools[0]?.all.samples).toBe(2);
});
