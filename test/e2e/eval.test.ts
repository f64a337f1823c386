import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Calibration } from '../../src/evaluation/calibration.ts';
import type { PromptPool, Row, SettingSummary } from '../../src/evaluation/summarize.ts';
import { captureCli } from '../fixtures/capture-cli.ts';
import { filmScene } from '../fixtures/scene-clip.ts';

const frameCount = 14;
let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-eval-'));
  // One has the name of a DAVIS clip, so that both means are seen.
  await filmScene(join(folder, 'camel'), frameCount);
  await filmScene(join(folder, 'made'), frameCount);
});
afterAll(() => rmSync(folder, { recursive: true }));

test('two clips, two prompts: every figure is there and in its range', async () => {
  const words = ['--prompt', 'mask,box', '--keyframes', '4', '--json'];
  const run = await captureCli(['eval', folder, ...words]);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  const { summaries, pooled } = JSON.parse(run.stdout) as {
    summaries: SettingSummary[];
    pooled: PromptPool[];
  };
  expect(summaries.map(({ setting }) => setting)).toEqual([
    { prompt: 'mask', keyframes: '4' },
    { prompt: 'box', keyframes: '4' },
  ]);
  for (const { setting, clips, davis, others, pools } of summaries) {
    expect(clips.map(({ name }) => name)).toEqual(['camel', 'made']);
    // Boxes get a flip pass too; a given mask answers itself.
    for (const row of clips) checkRow(row, setting.prompt === 'box' ? 5 : 4);
    expect(davis?.region).toBeCloseTo(clips[0]?.region ?? -1, 9);
    expect(others?.name).toBe('mean of 1 others');
    expect(pools.map(({ name }) => name)).toEqual(['DAVIS', 'others']);
    // Two objects; a given mask answers its own frame and is no sample.
    const samples = setting.prompt === 'mask' ? 2 * (frameCount - 1) : 2 * frameCount;
    for (const { all, byAge } of pools) {
      expect(all.samples).toBe(samples);
      checkCalibration(all);
      const aged = byAge.map(({ calibration }) => calibration.samples);
      expect(aged.reduce((sum, count) => sum + count, 0)).toBe(samples);
    }
  }
  expect(pooled).toHaveLength(1);
  expect(pooled[0]).toMatchObject({ keyframes: '4', prompts: ['mask', 'box'] });
  for (const { all } of pooled[0]?.pools ?? []) {
    expect(all.samples).toBe(2 * (frameCount - 1) + 2 * frameCount);
    checkCalibration(all);
  }
});

function checkRow(row: Row, encoderRuns: number): void {
  expect(row).toMatchObject({ frames: frameCount, objects: 2, keyframes: 4 });
  expect(row.encoderRunsPerFrame).toBeCloseTo(encoderRuns / frameCount, 9);
  for (const score of [row.region, row.boundary, row.regionRecall, row.stability]) {
    expect(score).toBeGreaterThan(0.3);
    expect(score).toBeLessThanOrEqual(1);
  }
  expect(row.regionAndBoundary).toBeCloseTo((row.region + row.boundary) / 2, 9);
  if (!existsSync('/proc/self/stat')) return;
  expect(row.cpuMsPerFrame).toBeGreaterThan(0);
  expect(row.cpuMsPerFrameWithoutDecoding).toBeLessThanOrEqual(row.cpuMsPerFrame ?? 0);
}

function checkCalibration({ ece, meanIou, bad, samples, bins }: Calibration): void {
  expect(bins.reduce((sum, bin) => sum + bin.samples, 0)).toBe(samples);
  expect(ece).toBeGreaterThanOrEqual(0);
  expect(ece).toBeLessThanOrEqual(1);
  expect(meanIou).toBeGreaterThan(0.3);
  expect(bad).toBeLessThanOrEqual(samples);
}

test('tables name every clip and both means', async () => {
  const run = await captureCli(['eval', folder, '--clips', 'made', '--prompt', 'point']);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(run.stdout).toMatch(/^prompt point, keyframes adaptive$/m);
  expect(run.stdout).toMatch(/^made +14 +2 +0\.\d{3} /m);
  expect(run.stdout).toMatch(/^mean of 1 others /m);
  expect(run.stdout).toMatch(/^calibration/m);
  expect(run.stdout).not.toContain('camel');
  expect(run.stdout).not.toContain('together');
});

test('a clip that is not there is a usage error', async () => {
  const run = await captureCli(['eval', folder, '--clips', 'horse']);
  expect(run).toMatchObject({ code: 2 });
  expect(run.stderr).toContain('has no clip "horse"');
});
