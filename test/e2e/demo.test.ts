import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { expect, test } from 'vitest';
import { liveFrames } from '../../src/frame/frame.ts';
import { captureCli } from '../fixtures/capture-cli.ts';

test('the demo streams its clip, prints the table and writes its pictures', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'maskstream-demo-'));
  const run = await captureCli(['demo', '--frames', '15', '--out', folder]);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  const cell = (name: string) => new RegExp(`^${name} +(\\S+)`, 'm').exec(run.stdout)?.[1];
  const answered = Number(cell('frames answered'));
  expect(answered).toBeGreaterThan(0);
  expect(answered + Number(cell('frames skipped'))).toBe(15);
  expect(Number(cell('mean true IoU'))).toBeGreaterThan(0.2);
  expect(Number(cell('latency p95'))).toBeGreaterThan(0);
  expect(Number(cell('frames a second'))).toBeGreaterThan(0);
  expect(run.stdout).toContain('Latency: from the moment');
  const sheet = decode(readFileSync(join(folder, 'contact-sheet.png')));
  expect([sheet.width, sheet.height]).toEqual([960, 360]);
  expect(readFileSync(join(folder, 'overlay.mp4')).toString('latin1', 4, 8)).toBe('ftyp');
  expect(run.stdout).toContain('maskstream segment VIDEO');
  expect(liveFrames()).toBe(0);
  rmSync(folder, { recursive: true });
});
