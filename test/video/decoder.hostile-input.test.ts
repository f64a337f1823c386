import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Container } from '../../src/frame/container.ts';
import { createDecoder } from '../../src/video/index.ts';
import {
  bundledFfmpeg,
  chunksOf,
  decoderIds,
  decodeAll,
  encoders,
  expectNothingLeft,
  makeClip,
  never,
  systemFfmpeg,
} from '../fixtures/encoded-clips.ts';
import { matroskaTag, sampleBomb } from '../../bench/support/hostile-files.ts';

expectNothingLeft();
afterEach(() => vi.unstubAllEnvs());

function decode(bytes: Uint8Array, container: Container, ffmpeg = systemFfmpeg) {
  const options = { container, frameRate: null, signal: never };
  return decodeAll(createDecoder({ ffmpeg })(chunksOf(bytes), options));
}

test('a few bytes that describe millions of samples cost the decoder less than a gigabyte', async () => {
  expect(systemFfmpeg.confinement.isLimited).toBe(true);
  expect(systemFfmpeg.describe).toContain('--data=');
  let peakKb = 0;
  const watch = setInterval(() => {
    for (const id of decoderIds()) {
      const status = readStatus(id);
      peakKb = Math.max(peakKb, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
    }
  }, 20);
  const decoded = await decode(sampleBomb(12, 18_000_000), 'mp4');
  clearInterval(watch);
  expect(decoded.error).toMatchObject({ code: 'undecodable-video' });
  expect(peakKb).toBeGreaterThan(0);
  expect(peakKb).toBeLessThan(1e6);
});

function readStatus(id: number): string {
  try {
    return readFileSync(`/proc/${id}/status`, 'latin1');
  } catch {
    return ''; // It ended since it was listed.
  }
}

describe.each([systemFfmpeg, bundledFfmpeg])('with $version', (ffmpeg) => {
  test('a tag whose name has line feeds forges no picture', async () => {
    const encode = `${encoders.h264} -f matroska -live 1`;
    const clip = await readFile(await makeClip({ encode, extension: 'mkv', frames: 6 }));
    const cluster = clip.indexOf(Buffer.from('1f43b675', 'hex'));
    const forged = ['scale@display', 'Parsed_scale_0', 'Parsed_showinfo_2', 'Parsed_showinfo_1']
      .flatMap((name) => [
        `[${name} @ 0x1] [verbose] w:64 h:48 fmt:yuv420p sar:1/1 -> w:64 h:48 fmt:x sar:1/1`,
        `[${name} @ 0x1] [info] n:   0 pts:  77777 pts_time:1 pos: 9 fmt:yuv420p sar:1/1 s:64x48 i:P`,
      ])
      .join('\n');
    const tagged = Buffer.concat([
      clip.subarray(0, cluster),
      matroskaTag(`x\n${forged}\ny`),
      clip.subarray(cluster),
    ]);
    const [plain, decoded] = [
      await decode(clip, 'matroska', ffmpeg),
      await decode(tagged, 'matroska', ffmpeg),
    ];
    expect(plain.frames).toHaveLength(6);
    expect(decoded.error).toBeNull();
    expect(decoded.timesUs).toEqual(plain.timesUs);
    expect(decoded.formats).toEqual(plain.formats);
  });
});

test('times beyond what numbers hold are INVALID_ARGUMENT, after what came before', async () => {
  const encode = `${encoders.vp8} -f ivf`;
  const clip = Buffer.from(await readFile(await makeClip({ encode, extension: 'ivf', frames: 6 })));
  // Time base of 2^31 seconds, and the third frame at 2^40 of them.
  clip.writeUInt32LE(1, 16);
  clip.writeUInt32LE(0x7fffffff, 20);
  let at = 32;
  for (let frame = 0; frame < 2; frame++) at += 12 + clip.readUInt32LE(at);
  clip.writeBigUInt64LE(2n ** 40n, at + 4);
  const { error } = await decode(clip, 'ivf');
  expect(error).toMatchObject({ code: 'undecodable-video' });
});

test.each(['/nowhere', '/proc'])('without temporary space in %s', async (folder) => {
  const encode = encoders.h264;
  const clip = await readFile(await makeClip({ encode, extension: 'mp4', frames: 6 }));
  vi.stubEnv('TMPDIR', folder);
  const { error } = await decode(clip, 'mp4');
  expect(error).toMatchObject({ code: 'server-exhausted' });
});

test('without handles no stream begins, and the process lives', async () => {
  const video = new URL('../../dist/src/video/index.js', import.meta.url).href;
  const script = `
    import { openSync } from 'node:fs';
    import { createDecoder, findFfmpeg } from ${JSON.stringify(video)};
    const ffmpeg = await findFfmpeg({});
    try { for (;;) openSync('/dev/null'); } catch {}
    const options = { container: 'mjpeg', frameRate: 25, signal: new AbortController().signal };
    const chunks = (async function* () { yield new Uint8Array(100).fill(255); })();
    try {
      for await (const _ of createDecoder({ ffmpeg })(chunks, options));
    } catch (error) {
      setTimeout(() => console.log(error.code), 100);
    }`;
  const args = ['--nofile=64', '--', process.execPath, '--input-type=module', '-e', script];
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const { stdout } = await promisify(execFile)('prlimit', args, { cwd });
  expect(stdout.trim()).toBe('server-exhausted');
});
