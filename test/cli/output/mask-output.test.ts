import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createMaskOutput } from '../../../src/cli/output/mask-output.ts';
import { readIndexedPng } from '../../../src/formats/indexed-png.ts';
import { answeredFrame, answeredHeader } from '../../fixtures/answered-frame.ts';

test('the mask of an image is white on black', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'maskstream-mask-'));
  const path = join(folder, 'mask.png');
  const output = createMaskOutput(path);
  await output.open(answeredHeader);
  await output.write(answeredFrame(0, [1, 2]));
  await output.close();
  const { ids } = readIndexedPng(readFileSync(path), path);
  expect([ids[3 * 16 + 4], ids[3 * 16 + 8], ids[3 * 16 + 7]]).toEqual([255, 255, 0]);
  rmSync(folder, { recursive: true });
});
