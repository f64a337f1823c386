import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createReadStream, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { captureCli } from '../fixtures/capture-cli.ts';
import { encoders, makeClip, probeTimesUs } from '../fixtures/encoded-clips.ts';
import { startService } from '../fixtures/start-service.ts';
import type { RunningService } from '../fixtures/start-service.ts';

const frames = 6;
let folder = '';
let server: RunningService;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-inputs-'));
  server = await startService();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const path = (name: string) => join(folder, name);
const box = ['--box', '20,20,60,60'];
const segment = (words: readonly string[], stdin?: ReturnType<typeof createReadStream>) =>
  captureCli(['segment', ...words, ...box, '--server', server.address], undefined, stdin);
const clip = (encode: string, extension: string, size = '160x120') =>
  makeClip({ encode, extension, frames, size });
const framesOf = (out: string) =>
  (JSON.parse(readFileSync(join(path(out), 'frames.json'), 'utf8')) as FramesJson).frames;

type FramesJson = { readonly frames: readonly { readonly timestamp_us: number }[] };

describe('what the command line says of a file', () => {
  test.each([
    [
      'an MP4 without an index',
      Buffer.from('\0\0\0\x18ftypisom\0\0\0\0isomavc1'),
      'found no index (moov)',
    ],
    ['a HEIC photo', Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic'), 'HEIC is not taken'],
    ['a GIF', Buffer.from('GIF89a and more'), 'GIF is not taken: give JPEG, PNG or WebP'],
    ['nothing', Buffer.alloc(0), 'got nothing'],
  ])('of %s, the reason and no prompt', async (name, bytes, reason) => {
    const file = path(name.replaceAll(' ', '-'));
    writeFileSync(file, bytes);
    const { code, stderr } = await segment([file, '--out', path('refused')]);
    expect(code).toBe(1);
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain('frame-never-came');
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('of a codec that is not taken, its name', async () => {
    const file = await clip('-c:v prores_ks', 'mov');
    const { code, stderr } = await segment([file, '--out', path('refused')]);
    expect(code).toBe(1);
    expect(stderr).toContain('got prores: convert the video');
  });
});

describe('a pipe', () => {
  test('is read as standard input, index first or not', async () => {
    const fragmented = await clip(`${encoders.h264} -movflags frag_keyframe+empty_moov`, 'mp4');
    for (const [out, file] of [
      ['piped', fragmented],
      ['piped-last', await clip(encoders.h264, 'mp4')],
    ] as const) {
      const run = await segment(['-', '--out', path(out)], createReadStream(file));
      expect(run).toMatchObject({ code: 0, stderr: '' });
      expect(framesOf(out)).toHaveLength(frames);
    }
  });

  test('is read as a FIFO, and again for an overlay', async () => {
    const file = await clip(encoders.vp8, 'webm');
    const fifo = path('fifo');
    await promisify(execFile)('mkfifo', [fifo]);
    const writing = promisify(execFile)('cp', [file, fifo]);
    const overlay = path('fifo.mp4');
    expect(await segment([fifo, '--out', overlay])).toMatchObject({ code: 0, stderr: '' });
    await writing;
    expect(await probeTimesUs(overlay)).toHaveLength(frames);
  });

  test('may bring an image', async () => {
    const image = await clip('-frames:v 1', 'png');
    const mask = path('new/folder/mask.png');
    const run = await segment(['-', '--out', mask], createReadStream(image));
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(mask)).toBe(true);
  });
});

describe('pictures', () => {
  test('in a sequence may have any size and form, one mask each', async () => {
    const pictures = path('any');
    mkdirSync(pictures);
    for (const [i, extension] of ['jpg', 'png', 'webp', 'jpg'].entries()) {
      const encode = extension === 'webp' ? '-frames:v 1 -c:v libwebp' : '-frames:v 1';
      const picture = await clip(encode, extension, i === 3 ? '101x77' : '160x120');
      copyFileSync(picture, join(pictures, `${i}.${extension}`));
    }
    writeFileSync(join(pictures, '._0.jpg'), 'Mac OS X');
    const run = await segment([pictures, '--sequence', '--out', path('any-out')]);
    expect(run.code).toBe(0);
    expect(run.stderr).toContain('left out 1 file that is no JPEG, PNG or WebP image: ._0.jpg');
    expect(framesOf('any-out')).toHaveLength(4);
  });

  test('that are broken are named, and stop a sequence before masks shift', async () => {
    const pictures = path('broken');
    mkdirSync(pictures);
    const jpeg = readFileSync(await clip('-frames:v 1', 'jpg'));
    for (const name of ['0.jpg', '2.jpg']) writeFileSync(join(pictures, name), jpeg);
    for (const [out, bytes] of [
      ['cut', jpeg.subarray(0, jpeg.length / 2)],
      ['text', Buffer.from('no picture')],
    ] as const) {
      writeFileSync(join(pictures, '1.jpg'), bytes);
      const run = await segment([pictures, '--sequence', '--out', path(out)]);
      expect(run.code).toBe(1);
      expect(run.stderr).toContain(join(pictures, '1.jpg'));
    }
    // In a batch no other picture depends on it.
    const batch = await segment([pictures, '--out', path('batch')]);
    expect(batch.code).toBe(0);
    expect(batch.stderr).toContain('1.jpg');
  });
});

describe('--out', () => {
  test.each([
    ['x.avi', 2, 'expected a folder, .zip, .mp4, .webm or .png, or --format'],
    ['x.png', 2, 'for a video'],
    ['file/x', 1, 'ENOTDIR'],
    ['file/x.mp4', 1, 'ENOTDIR'],
    ['file/x.zip', 1, 'ENOTDIR'],
  ])('%s is refused before anything runs', async (out, code, reason) => {
    writeFileSync(path('file'), '');
    const run = await segment([await clip(encoders.h264, 'mp4'), '--out', path(out)]);
    expect(run.code).toBe(code);
    expect(run.stderr).toContain(reason);
    expect(run.stderr).not.toContain('    at ');
  });

  test('an overlay has the times of frames.json', async () => {
    const filter = "setpts='if(lt(N,3),N,3+(N-3)*4)/30/TB'";
    const encode = `${encoders.h264} -vsync passthrough`;
    const file = await makeClip({ encode, extension: 'mp4', frames, size: '160x120', filter });
    const overlay = path('new/vfr.mp4');
    expect(await segment([file, '--out', overlay])).toMatchObject({ code: 0 });
    expect(await segment([file, '--out', path('vfr')])).toMatchObject({ code: 0 });
    const times = framesOf('vfr').map((frame) => frame.timestamp_us);
    expect(await probeTimesUs(overlay)).toEqual(times);
    expect(new Set(times.map((time, i) => time - (times[i - 1] ?? 0))).size).toBeGreaterThan(2);
  });
});
