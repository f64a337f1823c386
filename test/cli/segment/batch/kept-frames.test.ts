import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepFrames, replayFrames } from '../../../../src/cli/segment/batch/kept-frames.ts';
import type { AnsweredFrame, StreamHeader } from '../../../../src/formats/answered-frame.ts';
import { answeredFrame, answeredHeader } from '../../../fixtures/answered-frame.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-kept-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('what is kept comes back as it was, masks to the pixel', async () => {
  const file = join(folder, 'clip.jsonl');
  const frames = [answeredFrame(0, [1, 2]), answeredFrame(1, []), answeredFrame(2, [2])];
  const output = keepFrames(file);
  await output.open(answeredHeader);
  for (const frame of frames) await output.write(frame);
  expect(existsSync(file)).toBe(false);
  await output.close();
  const seen: (StreamHeader | AnsweredFrame | string)[] = [];
  await replayFrames(file, {
    open: async (header) => void seen.push(header),
    write: async (frame) => void seen.push(frame),
    close: async () => void seen.push('closed'),
    discard: async () => void seen.push('discarded'),
  });
  expect(seen).toEqual([answeredHeader, ...frames, 'closed']);
});

test('what failed leaves nothing', async () => {
  const file = join(folder, 'clip.jsonl');
  const output = keepFrames(file);
  await output.open(answeredHeader);
  await output.write(answeredFrame(0, [1]));
  await output.discard();
  expect(existsSync(file) || existsSync(`${file}.partial`)).toBe(false);
});
