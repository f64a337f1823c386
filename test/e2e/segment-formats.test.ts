import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readIndexedPng } from '../../src/formats/indexed-png.ts';
import { captureCli } from '../fixtures/capture-cli.ts';
import { ffmpeg } from '../fixtures/encoded-clips.ts';
import { filmScene } from '../fixtures/scene-clip.ts';
import type { SceneClip } from '../fixtures/scene-clip.ts';
import { startService } from '../fixtures/start-service.ts';
import type { RunningService } from '../fixtures/start-service.ts';

const frameCount = 12;
let folder = '';
let clip: SceneClip;
let server: RunningService;
let prompt: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-formats-'));
  clip = await filmScene(join(folder, 'made'), frameCount);
  server = await startService();
  prompt = ['--box', '60,60,100,100', '--server', server.address];
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const out = (name: string) => join(folder, name);
const run = (...words: string[]) => captureCli(['segment', ...words, ...prompt]);
const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

test('--json gives nothing but a line a frame, with or without --out', async () => {
  const { stdout, ...done } = await run(clip.file, '--json');
  expect(done).toMatchObject({ code: 0 });
  const lines = stdout.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).frame_index)).toEqual(
    Array.from({ length: frameCount }, (_, index) => index),
  );
  expect(done.stderr).toContain('12 frames');
  const both = await run(clip.file, '--json', '--out', out('both'));
  expect(both.code).toBe(0);
  expect(both.stdout).toBe(stdout);
  expect(readJson(out('both/frames.json')).frames).toEqual(lines.map((line) => JSON.parse(line)));
});

test('--fps writes the first frame of each moment, numbered as in the source', async () => {
  const done = await run(clip.file, '--fps', '10', '--out', out('sampled'));
  expect(done).toMatchObject({ code: 0 });
  expect(readdirSync(out('sampled/masks'))).toEqual([0, 3, 6, 9].map((n) => `0000${n}.png`));
  const { frames } = readJson(out('sampled/frames.json'));
  expect(frames.map((frame: { frame_index: number }) => frame.frame_index)).toEqual([0, 3, 6, 9]);
});

test('coco, ytvis, davis, labelme, yolo and mask say the same of each frame', async () => {
  const formats = ['dir', 'coco', 'ytvis', 'davis', 'labelme', 'yolo', 'mask'];
  for (const format of formats) {
    const path = out(format === 'coco' || format === 'ytvis' ? `${format}.json` : format);
    const done = await run(clip.file, '--format', format, '--out', path);
    expect(done).toMatchObject({ code: 0 });
  }
  const areas: number[] = readJson(out('dir/frames.json')).frames.map(
    (frame: { objects: { area: number }[] }) => frame.objects[0]?.area,
  );
  expect(areas.every((area) => area > 100)).toBe(true);
  const { images, annotations } = readJson(out('coco.json'));
  expect(images).toHaveLength(frameCount);
  expect(annotations.map((entry: { area: number }) => entry.area)).toEqual(areas);
  expect(readJson(out('ytvis.json')).annotations[0].areas).toEqual(areas);
  const davis = readdirSync(out('davis/Annotations'));
  expect(davis).toHaveLength(1);
  for (const [index, area] of areas.entries()) {
    const name = String(index).padStart(5, '0');
    const ids = readIndexedPng(readFileSync(out(`davis/Annotations/${davis[0]}/${name}.png`)), '');
    expect(ids.ids.filter((id) => id === 1)).toHaveLength(area);
    const { data } = decode(readFileSync(out(`mask/masks/${name}.png`)));
    expect([...data].filter((value) => value === 255)).toHaveLength(area);
    expect(readJson(out(`labelme/${name}.json`)).shapes[0].group_id).toBe(1);
    expect(readFileSync(out(`yolo/labels/${name}.txt`), 'utf8')).toMatch(/^0( [\d.]+){6,}\n$/);
  }
  expect(existsSync(out('yolo/data.yaml'))).toBe(true);
});

test('a batch of images is one COCO file with their names', async () => {
  const pictures = out('pictures');
  await ffmpeg(['-i', clip.file, '-frames:v', '2', join(folder, 'p%d.png')]);
  const words = [out('p1.png'), out('p2.png'), '--format', 'coco', '--out', `${pictures}.json`];
  const done = await run(...words);
  expect(done).toMatchObject({ code: 0 });
  const { images, annotations } = readJson(`${pictures}.json`);
  expect(images.map((image: { file_name: string }) => image.file_name)).toEqual([
    'p1.png',
    'p2.png',
  ]);
  expect(annotations.map((entry: { image_id: number }) => entry.image_id)).toEqual([1, 2]);
});

test('webm and overlay styles', async () => {
  const done = await run(clip.file, '--overlay', 'cut-out', '--out', out('cut.webm'));
  expect(done).toMatchObject({ code: 0 });
  const head = readFileSync(out('cut.webm')).subarray(0, 64).toString('latin1');
  expect(head).toContain('webm');
  const corner = await ffmpeg([
    '-i',
    out('cut.webm'),
    '-vf',
    'crop=8:8:0:0',
    '-f',
    'rawvideo',
    '-pix_fmt',
    'gray',
    'pipe:1',
  ]);
  expect(corner).toHaveLength(64 * frameCount);
  expect(Math.max(...corner)).toBeLessThan(30);
});

test.each([
  [['--format', 'voc', '--out', 'a'], '--format: expected one of'],
  [['--overlay', 'neon', '--out', 'a.mp4'], '--overlay: expected one of'],
  [['--fps', '0', '--out', 'a'], '--fps'],
  [['--format', 'coco', '--json'], '--format: expected --out PATH with it'],
  [[], 'expected --out PATH, got none'],
])('%j is a wrong command line', async (words, message) => {
  const done = await run(clip.file, ...words);
  expect(done.code).toBe(2);
  expect(done.stderr).toContain(message);
});
