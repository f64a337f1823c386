import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { captureCli } from '../fixtures/capture-cli.ts';
import { makeClip, probeTimesUs } from '../fixtures/encoded-clips.ts';
import { filmScene } from '../fixtures/scene-clip.ts';
import { startService } from '../fixtures/start-service.ts';
import type { RunningService } from '../fixtures/start-service.ts';

const program = fileURLToPath(new URL('../../bin/maskstream', import.meta.url));
const frames = 12;
const names = ['a', 'b', 'c', 'd'];
let folder = '';
let server: RunningService;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'maskstream-batch-'));
  const { file } = await filmScene(join(folder, 'made'), frames);
  mkdirSync(path('clips'));
  for (const name of names) copyFileSync(file, path(`clips/${name}.mp4`));
  server = await startService();
  await segment('clips', 'dir', 'whole');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const path = (name: string) => join(folder, name);
const words = (input: string, format: string, out: string) =>
  ['segment', path(input), '--format', format, '--out', path(out), '--box', '60,60,100,100'].concat(
    ['--server', server.address],
  );
const segment = (input: string, format: string, out: string, ...more: string[]) =>
  captureCli([...words(input, format, out), ...more]);

/** A file, or every file below a folder, with its content; of a ZIP its length, as it bears times. */
function contents(name: string): Record<string, string> {
  const place = path(name);
  if (place.endsWith('.zip')) return { bytes: String(statSync(place).size) };
  if (statSync(place).isFile()) return { file: readFileSync(place, 'utf8') };
  const files = readdirSync(place, { recursive: true, encoding: 'utf8' }).toSorted();
  return Object.fromEntries(
    files
      .filter((file) => statSync(join(place, file)).isFile())
      .map((file) => [file, readFileSync(join(place, file)).toString('base64')]),
  );
}

/** Runs the program in a process of its own and kills it when it says that its first input is done. */
async function killAfterFirst(command: readonly string[], signal: NodeJS.Signals): Promise<void> {
  const child = spawn(process.execPath, [program, ...command]);
  child.stderr.resume();
  const exit = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    // The first one's line comes before its files are closed, the second's after.
    if (line.startsWith('b:')) child.kill(signal);
  }
  await exit;
}

describe.each(['SIGKILL', 'SIGINT'] as const)('after %s the same command', (signal) => {
  test.each(['dir', 'coco', 'zip', 'labelme', 'yolo'])(
    'goes on with --format %s, and the result is that of a whole run',
    async (format) => {
      const ending = { coco: '.json', zip: '.zip' }[format] ?? '';
      const [whole, out] = [`${format}-whole${ending}`, `${format}-${signal}${ending}`];
      expect((await segment('clips', format, whole, '--jobs', '2')).code).toBe(0);
      await killAfterFirst(words('clips', format, out), signal);
      const again = await segment('clips', format, out);
      expect(again.code).toBe(0);
      expect(again.stderr).toMatch(
        /going on with an interrupted batch: [123] of 4 inputs are done/,
      );
      expect(again.stdout).not.toContain('a: ');
      expect(again.stdout).toContain('d: 12 frames');
      expect(contents(out)).toEqual(contents(whole));
      expect(readdirSync(folder).filter((name) => /unfinished|partial/.test(name))).toEqual([]);
    },
  );
});

test('an input that changed, or whose result is gone, is done again', async () => {
  await killAfterFirst(words('clips', 'dir', 'changed'), 'SIGKILL');
  rmSync(path('changed/a/frames.json'));
  const again = await segment('clips', 'dir', 'changed');
  expect(again.stdout).toContain('a: 12 frames');
  expect(contents('changed')).toEqual(contents('whole'));
});

test('other options do not go on silently: they are refused, or begin anew', async () => {
  await killAfterFirst(words('clips', 'dir', 'options'), 'SIGKILL');
  const other = await segment('clips', 'dir', 'options', '--keyframes', '3');
  expect(other.code).toBe(2);
  expect(other.stderr).toContain('an interrupted batch is there, and --keyframes was not given');
  const anew = await segment('clips', 'dir', 'options', '--keyframes', '3', '--restart');
  expect(anew.code).toBe(0);
  expect(anew.stdout).toContain('a: 12 frames');
  expect(existsSync(path('options/.unfinished'))).toBe(false);
});

test('side by side, a batch is the same as one after the other', async () => {
  expect(Object.keys(contents('whole'))).toHaveLength(4 * (frames + 1));
  const run = await segment('clips', 'dir', 'three', '--jobs', '3');
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(contents('three')).toEqual(contents('whole'));
  const lines = await captureCli([...words('clips', 'dir', 'lines'), '--json', '--jobs', '2']);
  const inputs = lines.stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { input: string }).input);
  expect(inputs.toSorted()).toEqual(names.flatMap((name) => Array(frames).fill(name) as string[]));
});

describe('an input that fails', () => {
  beforeAll(async () => {
    mkdirSync(path('mixed'));
    for (const name of names) copyFileSync(path('clips/a.mp4'), path(`mixed/${name}.mp4`));
    const broken = await makeClip({ encode: '-c:v prores_ks', extension: 'mov', frames: 2 });
    copyFileSync(broken, path('mixed/b.mov'));
    rmSync(path('mixed/b.mp4'));
  });

  test('stops the batch, and what was done is kept', async () => {
    const run = await segment('mixed', 'dir', 'stopped');
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('got prores');
    expect(run.stderr).toContain('the same command goes on from there');
    expect(run.stdout).toBe('a: 12 frames, 1 keyframes\n');
  });

  test('is left out with --keep-going, and tried again by the same command', async () => {
    const run = await segment('mixed', 'dir', 'kept', '--keep-going', '--jobs', '2');
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/maskstream: b: .*got prores/);
    expect(run.stderr).toContain('expected all 4 inputs to be done, got 1 that failed');
    expect(run.stdout.trim().split('\n')).toHaveLength(3);
    rmSync(path('mixed/b.mov'));
    copyFileSync(path('clips/b.mp4'), path('mixed/b.mp4'));
    const again = await segment('mixed', 'dir', 'kept', '--keep-going');
    expect(again).toMatchObject({ code: 0, stdout: 'b: 12 frames, 1 keyframes\n' });
    expect(contents('kept')).toEqual(contents('whole'));
  });
});

test('with --keep-going, a named file that is no video is said, and the others are done', async () => {
  writeFileSync(path('notes.txt'), 'not a video at all');
  const command = words('clips/a.mp4', 'dir', 'named').toSpliced(
    1,
    0,
    path('notes.txt'),
    path('b.mp4'),
  );
  const run = await captureCli([...command, '--keep-going']);
  expect(run).toMatchObject({ code: 1, stdout: 'a: 12 frames, 1 keyframes\n' });
  expect(run.stderr).toContain('maskstream: notes: ');
  expect(run.stderr).toContain('notes.txt: expected a video or a JPEG, PNG or WebP image');
  expect(run.stderr).toContain('b.mp4: expected a file or a folder');
  expect(run.stderr).toContain('expected all 3 inputs to be done, got 2 that failed');
  expect(existsSync(path('named/a/frames.json'))).toBe(true);
  expect((await captureCli(command)).stderr).toContain('notes.txt: expected a video');
  for (const name of ['notes.txt', 'b.mp4']) copyFileSync(path('clips/b.mp4'), path(name));
  const again = await captureCli([...command, '--keep-going']);
  expect(again.code).toBe(0);
  expect(again.stdout.split('\n').toSorted().join()).toMatch(/^,b: 12 frames.*,notes: 12 frames/);
  expect(readdirSync(path('named'))).toEqual(['a', 'b', 'notes']);
});

test('several videos may be overlays of a folder', async () => {
  expect((await segment('clips', 'mp4', 'overlays', '--overlay', 'blur')).code).toBe(0);
  expect(readdirSync(path('overlays'))).toEqual(names.map((name) => `${name}.mp4`));
  expect(await probeTimesUs(path('overlays/d.mp4'))).toHaveLength(frames);
  const one = await segment('clips', 'mp4', 'all.mp4');
  expect(one).toMatchObject({ code: 2 });
  expect(one.stderr).toContain('expected a folder or .zip for 4 inputs');
});

test('pictures of one name do not take each other’s place', async () => {
  const picture = await makeClip({ encode: '-frames:v 1', extension: 'png' });
  for (const name of ['one', 'two']) {
    mkdirSync(path(`same/${name}`), { recursive: true });
    copyFileSync(picture, path(`same/${name}/p.png`));
  }
  const run = await segment('same/*/p.png', 'labelme', 'same-out');
  expect(run.code).toBe(0);
  expect(readdirSync(path('same-out'))).toEqual(['p-2.json', 'p.json']);
});

test('--jobs 0 is a wrong command line', async () => {
  const run = await segment('clips', 'dir', 'none', '--jobs', '0');
  expect(run).toMatchObject({ code: 2 });
  expect(run.stderr).toContain('--jobs: expected a whole number of at least 1, got "0"');
});
