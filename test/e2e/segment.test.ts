import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { encode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReadStream } from 'node:fs';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { readIndexedPng } from '../../src/formats/indexed-png.ts';
import { liveFrames } from '../../src/frame/frame.ts';
import { maskFromBitmap, maskIou } from '../../src/frame/mask.ts';
import { decodeRgb } from '../../src/video/index.ts';
import { captureCli } from '../fixtures/capture-cli.ts';
import { filmScene } from '../fixtures/scene-clip.ts';
import type { SceneClip } from '../fixtures/scene-clip.ts';
import { startService } from '../fixtures/start-service.ts';
import type { RunningService } from '../fixtures/start-service.ts';

const frameCount = 12;
let folder = '';
let clip: SceneClip;
let server: RunningService;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-segment-'));
  clip = await filmScene(join(folder, 'made'), frameCount);
  server = await startService();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

type FramesJson = {
  readonly version: number;
  readonly width: number;
  readonly height: number;
  readonly frames: readonly {
    readonly frame_index: number;
    readonly source: string;
    readonly reason: string | null;
    readonly objects: readonly { readonly object_id: number; readonly area: number }[];
  }[];
};

const out = (name: string) => join(folder, name);
const readFrames = (path: string) =>
  JSON.parse(readFileSync(join(path, 'frames.json'), 'utf8')) as FramesJson;
const remote = (...words: string[]) =>
  captureCli(['segment', ...words, '--server', server.address]);

const readIds = (file: string) => readIndexedPng(readFileSync(file), file);

function trueBox(id: number): string {
  const box = clip.truths[0]?.get(id)?.box;
  return `${box?.x},${box?.y},${box?.width},${box?.height}`;
}

function maskOf(path: string, frame: number, id: number) {
  const name = `${String(frame).padStart(5, '0')}.png`;
  const { size, ids } = readIndexedPng(readFileSync(join(path, 'masks', name)), name);
  return maskFromBitmap(
    ids.map((value) => (value === id ? 1 : 0)),
    size,
  );
}

describe('a video', () => {
  test('of which LATEST skips frames is written as far as it was answered, and fails', async () => {
    const { path: ffmpeg } = await findConfiguredFfmpeg();
    const file = out('fast.mp4');
    // Decoded several times as fast as it is tracked.
    const words = `-v error -f lavfi -i testsrc2=s=640x360:r=30:d=10 -c:v libx264 -preset veryfast -bf 0 ${file}`;
    execFileSync(ffmpeg, words.split(' '));
    const path = out('latest');
    const box = ['--box', '200,100,200,150'];
    const run = await remote(file, ...box, '--delivery', 'latest', '--out', path);
    expect(run.code).toBe(1);
    const numbers = readFrames(path).frames.map((frame) => frame.frame_index);
    expect(numbers.length).toBeGreaterThan(0);
    expect(run.stderr).toMatch(
      new RegExp(`^maskstream: fast: expected all 300 frames, got ${numbers.length}: `, 'm'),
    );
    expect(readdirSync(join(path, 'masks')).map((name) => Number.parseInt(name, 10))).toEqual(
      numbers,
    );
  });

  test('gets one mask picture and one entry for every frame, by a server in this process', async () => {
    const path = out('alone');
    const run = await captureCli([
      'segment',
      clip.file,
      '--box',
      trueBox(1),
      '--box',
      trueBox(2),
      '--out',
      path,
    ]);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const { frames, ...head } = readFrames(path);
    expect(head).toEqual({ version: 1, width: 192, height: 108, model: 'maskstream-tiny' });
    expect(frames.map(({ frame_index: index }) => index)).toEqual([...Array(frameCount).keys()]);
    expect(readdirSync(join(path, 'masks'))).toHaveLength(frameCount);
    for (const id of [1, 2]) {
      const truth = clip.truths[0]?.get(id);
      if (truth === undefined) throw new Error('expected a true mask');
      expect(maskIou(maskOf(path, 0, id), truth)).toBeGreaterThan(0.7);
    }
  });

  test('has keyframes at the prompt and every N frames after it, and nothing before', async () => {
    const path = out('fixed');
    const run = await remote(
      clip.file,
      '--box',
      trueBox(1),
      '--at',
      '2',
      '--keyframes',
      '4',
      '--out',
      path,
    );
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const { frames } = readFrames(path);
    const keyframes = frames.filter(({ source }) => source === 'keyframe');
    expect(keyframes.map(({ frame_index: index, reason }) => [index, reason])).toEqual([
      [2, 'prompt'],
      [6, 'interval'],
      [10, 'interval'],
    ]);
    expect(maskOf(path, 1, 1).area).toBe(0);
    expect(frames[1]?.objects).toEqual([]);
  });

  test('answers the frame of a mask prompt with exactly that mask', async () => {
    const path = out('given');
    const mask = join(folder, 'made/masks/00000.png');
    const run = await remote(clip.file, '--mask', mask, '--out', path);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(readIds(join(path, 'masks/00000.png'))).toEqual(readIds(mask));
  });

  test('goes into a ZIP, and its overlay into an MP4 of as many frames', async () => {
    const zip = out('clip.zip');
    expect(await remote(clip.file, '--point', '34,46', '--out', zip)).toMatchObject({ code: 0 });
    expect(Object.keys(unzipSync(readFileSync(zip)))).toHaveLength(frameCount + 1);
    const mp4 = out('clip-overlay.mp4');
    expect(await remote(clip.file, '--box', trueBox(1), '--out', mp4)).toMatchObject({ code: 0 });
    const ffmpeg = await findConfiguredFfmpeg();
    const { signal } = new AbortController();
    const decoding = { ffmpeg, container: 'mp4', frameRate: null, signal } as const;
    let frames = 0;
    for await (const { size } of decodeRgb(createReadStream(mp4), decoding)) {
      expect(size).toEqual({ width: 192, height: 108 });
      frames++;
    }
    expect(frames).toBe(frameCount);
  });

  test('follows a prompts file over several frames', async () => {
    const file = out('prompts.json');
    const [x, y, width, height] = trueBox(2).split(',').map(Number);
    const prompts = [
      { frame_index: 1, object_id: 9, box: [x, y, width, height], label: 'blue' },
      { frame_index: 7, object_id: 9, action: 'remove' },
    ];
    writeFileSync(file, JSON.stringify({ version: 1, prompts }));
    const path = out('many');
    expect(await remote(clip.file, '--prompts', file, '--out', path)).toMatchObject({ code: 0 });
    const ids = readFrames(path).frames.map(({ objects }) => objects.map((o) => o.object_id));
    expect(ids.map((found) => found.length)).toEqual([0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
  });
});

describe('pictures', () => {
  let pictures = '';
  beforeAll(() => {
    pictures = out('pictures');
    mkdirSync(pictures);
    for (const index of [0, 1, 2]) {
      const { picture } = clip.scene.render(index);
      const png = encode({ ...picture.size, data: picture.data, channels: 3, depth: 8 });
      writeFileSync(join(pictures, `p${index}.png`), png);
    }
  });

  test('of a folder are a batch, each with a subfolder', async () => {
    const path = out('batch');
    const run = await remote(pictures, '--box', trueBox(2), '--out', path);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(readdirSync(path)).toEqual(['p0', 'p1', 'p2']);
    // The blue one hardly moves: its first box fits every picture.
    const truth = clip.truths[2]?.get(2);
    if (truth === undefined) throw new Error('expected a true mask');
    expect(maskIou(maskOf(join(path, 'p2'), 0, 1), truth)).toBeGreaterThan(0.6);
  });

  test('of a folder are one video with --sequence', async () => {
    const path = out('sequence');
    const run = await remote(pictures, '--sequence', '--box', trueBox(1), '--out', path);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(readdirSync(join(path, 'masks'))).toEqual(['00000.png', '00001.png', '00002.png']);
  });
});

describe('a wrong command line', () => {
  test.each([
    [['segment'], 'expected an INPUT, got none'],
    [['segment', 'a.mp4'], 'expected --out PATH, got none'],
    [['segment', 'a.mp4', '--out', 'x'], 'expected a prompt'],
    [['segment', 'a.mp4', '--out', 'x', '--box', '1,1,2,2', '--keyframes', '0'], '--keyframes:'],
    [['segment', 'a.mp4', '--out', 'x', '--box', '1,1,2,2', '--delivery', 'some'], '--delivery:'],
    [['eval'], 'expected a CLIPS_DIR, got none'],
    [['demo', '--frames', 'ten'], '--frames: expected a whole number'],
    [['serve', '--listen', 'here'], 'MASKSTREAM_LISTEN: expected HOST:PORT, got "here"'],
    [['dance'], '), got "dance"'],
    [[], 'expected a command (serve, segment, '],
  ])('%j ends with exit code 2 and says why', async (words, message) => {
    const { code, stderr } = await captureCli(words);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  test.each(['serve', 'segment', 'eval', 'demo'])('%s --help explains itself', async (name) => {
    const { code, stdout } = await captureCli([name, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain(`maskstream ${name}`);
  });
});

describe('a failed run ends with exit code 1 and says why:', () => {
  test('no such file', async () => {
    const run = await remote(out('none.mp4'), '--box', '1,1,2,2', '--out', out('never'));
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('expected a file or a folder, got none of that name');
  });

  test('neither video nor image', async () => {
    writeFileSync(out('text.mp4'), 'this is no video');
    const run = await remote(out('text.mp4'), '--box', '1,1,2,2', '--out', out('never'));
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('expected a video or a JPEG, PNG or WebP image');
  });

  test('a box outside the picture', async () => {
    const run = await remote(clip.file, '--box', '900,900,5,5', '--out', out('outside'));
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('prompt refused: invalid-prompt');
  });

  test('a prompt on a frame that never comes', async () => {
    const run = await remote(clip.file, '--point', '5,5', '--at', '99', '--out', out('late'));
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('frame-never-came');
  });

  test('a server that is not there', async () => {
    const words = ['--box', '1,1,2,2', '--out', out('never'), '--server', '127.0.0.1:1'];
    const run = await captureCli(['segment', clip.file, ...words]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('UNAVAILABLE unreachable');
    expect(existsSync(out('never'))).toBe(false);
  });

  test('stopped in the middle', async () => {
    const stopping = new AbortController();
    const words = ['segment', clip.file, '--box', trueBox(1), '--out', out('stopped')];
    const running = captureCli([...words, '--server', server.address], stopping.signal);
    stopping.abort('SIGINT');
    expect(await running).toMatchObject({ code: 1, stderr: 'maskstream: stopped\n' });
  });
});

test('no frame is left open', () => {
  expect(liveFrames()).toBe(0);
});
