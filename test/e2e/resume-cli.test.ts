import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { readIndexedPng } from '../../src/formats/indexed-png.ts';
import { maskFromBitmap, maskIou } from '../../src/frame/mask.ts';
import { captureCli } from '../fixtures/capture-cli.ts';
import { type CurtainClip, makeCurtainClip } from '../fixtures/curtain-clip.ts';
import { startDoomedServers } from '../fixtures/doomed-servers.ts';
import { temporaryPath } from '../fixtures/encoded-clips.ts';

const frameCount = 110;
/** The server dies when this frame is written: object 2 is hidden then. */
const lastFrame = 33;
/** An update and a phrase wait for these. */
const laterFrame = 56;
const phraseFrame = frameCount - 1;

let clip: CurtainClip;
let prompts = '';

beforeAll(async () => {
  clip = await makeCurtainClip(frameCount);
  const boxOf = (objectId: number, frame: number) => {
    const { x, y, width, height } = clip.truths[frame]!.get(objectId)!.box!;
    return [x, y, width, height];
  };
  prompts = temporaryPath('prompts.json');
  writeFileSync(
    prompts,
    JSON.stringify({
      version: 1,
      prompts: [
        { frame_index: 0, object_id: 1, box: boxOf(1, 0) },
        { frame_index: 0, object_id: 2, box: boxOf(2, 0) },
        { frame_index: laterFrame, object_id: 2, box: boxOf(2, laterFrame), label: 'again' },
        {
          frame_index: phraseFrame,
          object_id: 20,
          text: 'person',
          max_objects: 3,
          threshold: 0.05,
        },
      ],
    }),
  );
});

const nameOf = (frame: number) => `masks/${String(frame).padStart(5, '0')}.png`;

/** Ends the server once masks of a frame, or of a later one, are written, or the run is over. */
async function killAt(
  folder: string,
  frame: number,
  kill: () => void,
  signal: AbortSignal,
): Promise<void> {
  const isWritten = () =>
    existsSync(`${folder}/masks`) &&
    readdirSync(`${folder}/masks`).some((name) => `masks/${name}` >= nameOf(frame));
  while (!isWritten()) {
    if (signal.aborted) return;
    await wait(5);
  }
  kill();
}

function iouAt(folder: string, frame: number, objectId: number): number {
  const { size, ids } = readIndexedPng(readFileSync(`${folder}/${nameOf(frame)}`), nameOf(frame));
  const mask = maskFromBitmap(
    ids.map((id) => (id === objectId ? 1 : 0)),
    size,
  );
  return maskIou(mask, clip.truths[frame]!.get(objectId)!);
}

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'segment writes every frame though its server ends by %s',
  async (signal) => {
    await using servers = await startDoomedServers();
    const out = temporaryPath(`cli-${signal}`);
    const words = ['--prompts', prompts, '--out', out, '--server', servers.addresses.join(',')];
    const over = new AbortController();
    const killing = killAt(out, lastFrame, () => servers.kill(signal), over.signal);
    const run = await captureCli(['segment', clip.file, ...words]);
    over.abort();
    await killing;
    expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining(`${frameCount} frames`) });
    expect(run.stderr).toContain('the server was lost; the stream went on after');
    expect(run.stderr).toContain(' no frames lost');
    const { frames } = JSON.parse(readFileSync(`${out}/frames.json`, 'utf8')) as {
      frames: { frame_index: number; objects: { object_id: number; label: string | null }[] }[];
    };
    expect(frames.map(({ frame_index: index }) => index)).toEqual([...Array(frameCount).keys()]);
    expect(frames[lastFrame + 1]!.objects.map(({ object_id: id }) => id)).toEqual([1, 2]);
    expect(frames.at(-1)!.objects[1]).toMatchObject({ object_id: 2, label: 'again' });
    expect(iouAt(out, lastFrame + 1, 1)).toBeGreaterThan(iouAt(out, lastFrame, 1) - 0.05);
    // What the phrase finds on the last frame takes its own pixels.
    expect(iouAt(out, frameCount - 2, 1)).toBeGreaterThan(0.9);
    expect(iouAt(out, frameCount - 2, 2)).toBeGreaterThan(0.9);
  },
);

test('a pipe that nobody can read again goes on too, in latest', async () => {
  await using servers = await startDoomedServers();
  const out = temporaryPath('cli-pipe');
  const file = await readFile(clip.file);
  const pieceBytes = Math.ceil(file.length / frameCount);
  const paced = Readable.from(
    (async function* () {
      for (let from = 0; from < file.length; from += pieceBytes) {
        await wait(66);
        yield file.subarray(from, from + pieceBytes);
      }
    })(),
  );
  const words = ['segment', '-', '--delivery', 'latest', '--box', '2,2,60,60', '--out', out];
  const over = new AbortController();
  const killing = killAt(out, lastFrame, () => servers.kill('SIGKILL'), over.signal);
  const run = await captureCli(
    [...words, '--server', servers.addresses.join(',')],
    undefined,
    paced,
  );
  over.abort();
  await killing;
  expect(run.stderr).toContain('the server was lost; the stream went on after');
  // Frames that the server skipped are what `latest` is told to fail for, and nothing else.
  const why = run.code === 0 ? 'nothing' : run.stderr;
  expect(why).toMatch(/^nothing$|the server fell behind, and --delivery latest/);
});
