import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { captureCli } from '../fixtures/capture-cli.ts';
import { ffmpeg } from '../fixtures/encoded-clips.ts';
import { filmScene } from '../fixtures/scene-clip.ts';
import type { SceneClip } from '../fixtures/scene-clip.ts';
import { startService } from '../fixtures/start-service.ts';
import type { RunningService } from '../fixtures/start-service.ts';

const frames = 8;
let folder = '';
let clip: SceneClip;
let server: RunningService;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-labels-'));
  clip = await filmScene(join(folder, 'made'), frames);
  server = await startService();
  const boxes = [1, 2].map((id) => {
    const { x = 0, y = 0, width = 0, height = 0 } = clip.truths[0]?.get(id)?.box ?? {};
    return {
      object_id: id + 4,
      box: [x, y, width, height],
      ...(id === 1 ? { label: 'disc' } : {}),
    };
  });
  writeFileSync(path('prompts.json'), JSON.stringify({ version: 1, prompts: boxes }));
  await segment('prompts.json', 'first');
  mkdirSync(path('pictures'));
  await ffmpeg(['-i', clip.file, '-frames:v', '3', path('pictures/p%d.png')]);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const path = (name: string) => join(folder, name);
const segment = (prompts: string, out: string, ...more: string[]) =>
  segmentInput(clip.file, prompts, out, ...more);
const segmentInput = (input: string, prompts: string, out: string, ...more: string[]) =>
  captureCli(
    ['segment', input, '--prompts', path(prompts), '--out', path(out), ...more].concat([
      '--server',
      server.address,
    ]),
  );
const masksOf = (out: string) =>
  readdirSync(path(`${out}/masks`)).map((name) => readFileSync(path(`${out}/masks/${name}`)));
const namesOf = (out: string) => {
  const { frames: all } = JSON.parse(readFileSync(path(`${out}/frames.json`), 'utf8')) as {
    frames: { objects: { object_id: number; label: string | null }[] }[];
  };
  return all.map(({ objects }) => objects.map(({ object_id: id, label }) => [id, label]));
};

describe.each([
  ['coco', 'coco.json'],
  ['ytvis', 'ytvis.json'],
  ['labelme', 'labelme'],
])('what --format %s wrote', (format, file) => {
  beforeAll(async () => {
    await segment('prompts.json', file, '--format', format);
  });

  test('gives the same objects again: masks, ids and classes', async () => {
    const run = await segment(file, `${format}-again`);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(masksOf(`${format}-again`)).toEqual(masksOf('first'));
    expect(namesOf(`${format}-again`)).toEqual(namesOf('first'));
    expect(namesOf('first')[0]).toEqual([
      [5, 'disc'],
      [6, null],
    ]);
  });

  test('may be thinned: what lies between is tracked', async () => {
    const run = await segment(file, `${format}-thin`, '--label-every', '4');
    expect(run.code).toBe(0);
    expect(masksOf(`${format}-thin`)[4]).toEqual(masksOf('first')[4]);
    expect(namesOf(`${format}-thin`)).toEqual(namesOf('first'));
  });

  test('is refused for a video of another size', async () => {
    const other = path('other-size.mp4');
    await ffmpeg(['-i', clip.file, '-vf', 'scale=96:54', other]);
    const run = await segmentInput(other, file, `${format}-other`);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('192 x 108');
    expect(run.stderr).toContain('96 x 54');
  });
});

test('labels of a folder of images go to each by its name, what has none is left out', async () => {
  const { stdout } = await captureCli(
    ['segment', path('pictures/p1.png'), path('pictures/p3.png'), '--format', 'coco'].concat([
      '--prompts',
      path('prompts.json'),
      '--out',
      path('p.json'),
      '--server',
      server.address,
    ]),
  );
  expect(stdout).toContain('p3: 2 objects');
  const run = await segmentInput(path('pictures'), 'p.json', 'p-again.json', '--format', 'coco');
  expect(run).toMatchObject({ code: 0, stdout: 'p1: 2 objects\np3: 2 objects\n' });
  expect(run.stderr).toBe('maskstream: left out without a labelled object: p2\n');
  const areas = (file: string) =>
    (
      JSON.parse(readFileSync(path(file), 'utf8')) as { annotations: { area: number }[] }
    ).annotations.map(({ area }) => area);
  expect(areas('p-again.json')).toEqual(areas('p.json'));
});

test('an object is asked for once, and a thinning of nothing is a wrong command line', async () => {
  await segment('prompts.json', 'once.json', '--format', 'coco');
  const twice = await segment('once.json', 'twice', '--box', '5:1,1,20,20');
  expect(twice.code).toBe(2);
  expect(twice.stderr).toContain(
    'expected object 5 on the command line or in the labels, got both',
  );
  const thin = await segment('prompts.json', 'thin', '--label-every', '2');
  expect(thin).toMatchObject({ code: 2 });
  const beside = await segment('once.json', 'beside', '--box', '9:1,1,20,20');
  expect(beside.code).toBe(0);
  expect(namesOf('beside')[0]?.map(([id]) => id)).toEqual([5, 6, 9]);
});
