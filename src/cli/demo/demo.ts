import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mask } from '../../frame/mask.ts';
import type { Arguments, Command, CommandIo } from '../command.ts';
import { mean } from '../../evaluation/series-statistics.ts';
import { formatTable } from '../../evaluation/format-report.ts';
import { findConfiguredFfmpeg } from '../find-configured-ffmpeg.ts';
import { openClient } from '../open-client.ts';
import { createProgress } from '../progress.ts';
import { parseCount } from '../prompt-flags.ts';
import { serviceOptions } from '../serve.ts';
import { parseDelivery } from '../segment/video-config.ts';
import { encodeCamera, splitFragments } from './encode-camera.ts';
import type { Scene } from './scene.ts';
import { createScene } from './scene.ts';
import type { CameraRun } from './stream-camera.ts';
import { streamCamera } from './stream-camera.ts';
import { writePictures } from './write-pictures.ts';

/** `maskstream demo` */
export const demoCommand: Command = {
  usage: ['maskstream demo [options]'],
  maxPositionals: 0,
  options: {
    out: { kind: 'text', placeholder: 'DIR', help: 'Where pictures go. Default: demo-output.' },
    frames: {
      kind: 'text',
      placeholder: 'N',
      help: 'Length of the clip, at 30 a second. Default: 150.',
    },
    delivery: {
      kind: 'text',
      placeholder: 'every-frame|latest',
      help: 'every-frame (default) falls behind on a slow machine; latest skips frames instead.',
    },
    ...serviceOptions,
  },
  run: demo,
};

const size = { width: 640, height: 360 };
const seed = 2026;

// The first stream of a server compiles what it runs; a camera's server has done so long ago.
const warmUpFrames = 12;

/** An answer that is this old has waited for others. */
const behindMs = 500;

async function demo(args: Arguments, io: CommandIo): Promise<void> {
  const { signal } = io;
  const folder = args.texts.get('out') ?? 'demo-output';
  const frameCount = parseCount(args.texts.get('frames') ?? '150', '--frames', 2);
  const delivery = parseDelivery(args.texts.get('delivery') ?? 'every-frame');
  const scene = createScene({ size, frameCount, seed });
  const ffmpeg = await findConfiguredFfmpeg();
  await mkdir(folder, { recursive: true });

  const truths: ReadonlyMap<number, Mask>[] = [];
  say(io, `Filming ${frameCount} frames: two textured objects, a moving camera, a post in the way`);
  const filming = createProgress(io, 'filming', frameCount);
  const recorded: Scene = { ...scene, render: (index) => remember(truths, scene.render(index)) };
  const onFrame = (count: number) => filming.update(count);
  const pieces = splitFragments(await encodeCamera(recorded, { ffmpeg, onFrame, signal }));
  filming.finish();

  say(io, 'Starting the server on a free port');
  const run = await live({ args, io, scene, delivery, pieces, truths });
  io.stdout.write(`\n${formatRun(run, frameCount)}\n\n${explainRun(run, delivery)}\n\n`);

  const overlayFile = join(folder, 'overlay.mp4');
  const sheetFile = join(folder, 'contact-sheet.png');
  const { frames } = run;
  await writePictures({ ffmpeg, scene, pieces, frames, overlayFile, sheetFile, signal });
  say(io, `Wrote ${overlayFile} and ${sheetFile}`);
  io.stdout.write(`
Next, with a video of your own (a box is x,y,width,height in pixels of the first frame):
  npx maskstream segment VIDEO --box 100,80,200,150 --out overlay.mp4
  npx maskstream segment VIDEO --point 220,160 --out masks/
`);
}

async function live(options: {
  readonly args: Arguments;
  readonly io: CommandIo;
  readonly scene: Scene;
  readonly delivery: 'every-frame' | 'latest';
  readonly pieces: readonly Uint8Array[];
  readonly truths: readonly ReadonlyMap<number, Mask>[];
}): Promise<CameraRun> {
  const { args, io, scene, delivery, pieces, truths } = options;
  await using service = await openClient(args, io);
  say(io, 'Warming it up');
  const camera = { client: service.client, scene, delivery, truths, signal: io.signal };
  await streamCamera({ ...camera, pieces: pieces.slice(0, warmUpFrames), onFrame: () => {} });
  say(io, `Streaming at ${scene.frameRate} frames a second, as a camera would`);
  const progress = createProgress(io, 'live', scene.frameCount);
  try {
    return await streamCamera({
      ...camera,
      pieces,
      onFrame: ({ frame, latencyMs }) =>
        progress.update(frame.frameIndex + 1, `${latencyMs.toFixed(0)} ms after the picture`),
    });
  } finally {
    progress.finish();
  }
}

function remember<T extends { masks: ReadonlyMap<number, Mask> }>(
  truths: ReadonlyMap<number, Mask>[],
  frame: T,
): T {
  truths.push(frame.masks);
  return frame;
}

/** What the latencies are, and where they come from when they are long. */
function explainRun({ frames }: CameraRun, delivery: 'every-frame' | 'latest'): string {
  const what = 'Latency: from the moment a camera would have taken a picture to its masks here.';
  const slowest = Math.max(...frames.map(({ latencyMs }) => latencyMs));
  if (slowest < behindMs || delivery === 'latest') return what;
  return `${what}
This machine, with what else it does now, is slower than the camera, and every-frame drops
nothing: each answer waits for those before it. Frames a second says what it can do;
--delivery latest skips frames and keeps answers young.`;
}

function formatRun({ frames, summary, seconds }: CameraRun, sent: number): string {
  const confidences = frames.flatMap(({ frame }) =>
    frame.objects.map((object) => object.confidence),
  );
  const latencies = frames.map(({ latencyMs }) => latencyMs).toSorted((a, b) => a - b);
  const at = (share: number) => latencies[Math.ceil(share * latencies.length) - 1] ?? Number.NaN;
  return formatTable([
    ['frames sent', String(sent)],
    ['frames answered', String(frames.length)],
    ['frames skipped', String(summary.framesDropped)],
    ['frames a second', (frames.length / seconds).toFixed(1)],
    ['keyframes', String(summary.keyframes)],
    ['mean true IoU', mean(frames.flatMap(({ ious }) => ious)).toFixed(3)],
    ['mean confidence', mean(confidences).toFixed(3)],
    ['latency p50', `${at(0.5).toFixed(0)} ms`],
    ['latency p95', `${at(0.95).toFixed(0)} ms`],
  ]);
}

function say(io: CommandIo, line: string): void {
  io.stdout.write(`${line}\n`);
}
