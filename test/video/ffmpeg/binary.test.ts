import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { findFfmpeg } from '../../../src/video/index.ts';
import { bundledFfmpeg, systemFfmpeg, temporaryPath } from '../../fixtures/encoded-clips.ts';

/** A script that says what an ffmpeg of that version would say. */
async function pretend(name: string, version: string): Promise<string> {
  const path = temporaryPath(join(name, 'ffmpeg'));
  await mkdir(dirname(path), { recursive: true });
  const lines = `ffmpeg version ${version} Copyright\\nlibavcodec     61.  3.100 / 61.  3.100\\n`;
  await writeFile(path, `#!/bin/sh\nprintf '${lines}'\n`);
  await chmod(path, 0o755);
  return path;
}

test('a configured path is used and no other', async () => {
  const path = await pretend('configured', '7.1');
  const found = await findFfmpeg({ ffmpegPath: path, searchPath: dirname(systemFfmpeg.path) });
  expect(found.path).toBe(path);
  expect(found.codecMajor).toBe(61);
  await expect(findFfmpeg({ ffmpegPath: '/nowhere/ffmpeg' })).rejects.toMatchObject({
    code: 'decoder-failed',
  });
});

test('the search path comes before the bundled build', async () => {
  const path = await pretend('on-path', '7.1');
  expect((await findFfmpeg({ searchPath: `/nowhere:${dirname(path)}` })).path).toBe(path);
  const fallback = await findFfmpeg({ searchPath: '/nowhere' });
  expect(fallback.path).toBe(bundledFfmpeg.path);
  expect(fallback.describe).toContain('2018');
});

test.each([
  ['5.1.9-0+deb12u1', false],
  ['5.1.10-0+deb12u1', true],
  ['6.1.1-3ubuntu5', false],
  ['6.1.6', true],
  ['7.0.2-static', false],
  ['n7.1.5', true],
  ['8.0.1', false],
  ['8.1.2', true],
  ['9.0', true],
  ['4.4.2-0ubuntu0.22.04.1', false],
])('version %s carries the fix: %s', async (version, fixed) => {
  const path = await pretend(`v${version}`, version);
  const { describe } = await findFfmpeg({ ffmpegPath: path });
  expect(describe).toContain(version);
  expect(describe.includes('with the fix')).toBe(fixed);
  expect(describe.includes('predates')).toBe(!fixed);
});

test('a program that is no ffmpeg is refused', async () => {
  await expect(findFfmpeg({ ffmpegPath: '/bin/true' })).rejects.toMatchObject({
    code: 'decoder-failed',
  });
});
