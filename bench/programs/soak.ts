import { connect } from '../../clients/typescript/index.ts';
import { startServerProcess } from '../../src/evaluation/server-process.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import { cameraClipFrom, playFragments } from '../support/camera-clip.ts';
import { kindsSoak } from '../support/kinds-soak.ts';
import { linearTrend } from '../support/linear-trend.ts';
import { mixedSoak } from '../support/mixed-soak.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';
import type { ProcessState } from '../support/process-state.ts';
import { readProcessState } from '../support/process-state.ts';

/*
 * What a server holds over one long stream: resident memory, threads, handles and children, while
 * it runs and before and after it. EVERY_FRAME as fast as the machine goes; a clip that plays forth
 * and back, with a box for each object on the first frame.
 *
 *   npm run bench soak -- [options]
 *
 *   --frames N       length of the stream. Default: 10000
 *   --from N         frame from which memory should stand still. Default: 1000
 *   --size WxH       Default: 640x360
 *   --objects N      most objects. Default: 2
 *   --bit-rate K     constant, in kbit/s (a camera's: 3000). Default: 0, constant quality, twice as heavy
 *   --source FOLDER  clip.mp4 and masks/00000.png, scaled. Default: the demo's scene
 *   --minutes N      in place of one stream: conversations of all kinds, good and bad, side by side
 *   --warm N         minutes of them before memory should stand still. Default: 5
 *   --side N         conversations side by side. Default: 2
 *   --seed N         of what comes when. Default: 1
 *   --each N         in place of both: N seconds of each kind alone, and what a thousand of them add
 *   --samples FILE   writes what was seen of the server, for `bench soak-plot`
 */

/** Between two samples, in frames. */
const sampleInterval = 100;
/** Time for a child and sockets to go after the stream. */
const settleMs = 3000;
const warmUpFrames = 30;

const options = readBenchOptions({
  frames: '10000',
  from: '1000',
  size: '640x360',
  objects: '2',
  'bit-rate': '0',
  source: '',
  minutes: '0',
  each: '0',
  warm: '5',
  side: '2',
  seed: '1',
  samples: '',
});
const { signal } = new AbortController();
const ffmpeg = await findConfiguredFfmpeg();
const frames = options.number('frames');
const from = options.number('from');
await using clip = await cameraClipFrom(options, { ffmpeg, signal });
await using server = await startServerProcess([]);
const minutes = options.number('minutes');
const isMixed = minutes > 0;
if (isMixed || options.number('each') > 0) {
  if (isMixed) await mixedSoak({ server, clip, ffmpeg, minutes, options });
  else await kindsSoak({ server, clip, ffmpeg, options });
  await server[Symbol.asyncDispose]();
  await clip[Symbol.asyncDispose]();
  process.exit(0);
}

const samples: { readonly frame: number; readonly residentMb: number }[] = [];
let atFrom: ProcessState | null = null;
let atEnd: ProcessState | null = null;
// What a server starts once and keeps is no leak.
await stream(warmUpFrames);
await settle();
const before = readProcessState(server.pid);
const startedAtMs = performance.now();
samples.length = 0;
atFrom = null;
const answered = await stream(frames);
const wallMs = performance.now() - startedAtMs;
await settle();
print(readProcessState(server.pid));

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, settleMs));
}

/** Sends one stream and takes samples along the way; returns the frames answered. */
async function stream(length: number): Promise<number> {
  using client = connect(server.address);
  using video = client.segmentVideo({ container: 'mp4', delivery: 'every-frame' }, { signal });
  const acks = clip.boxes.map((box, index) =>
    video.prompt({ objectId: index + 1, box, at: { frameIndex: 0 } }),
  );
  const receive = async () => {
    for await (const result of video) {
      if (result.kind !== 'masks') continue;
      const { frameIndex } = result.masks;
      if (frameIndex % sampleInterval !== 0 && frameIndex !== length - 1) continue;
      const state = readProcessState(server.pid);
      samples.push({ frame: frameIndex, residentMb: state.residentMb });
      if (frameIndex >= from) atFrom ??= state;
      atEnd = state;
    }
  };
  const send = async () => {
    await video.sendVideo(playFragments(clip, { ffmpeg, frames: length, signal }));
  };
  await Promise.all([send(), receive(), ...acks]);
  return (await video.summary).framesOut;
}

function print(after: ProcessState): void {
  const perFrame = cell(wallMs / answered, 2);
  console.log(`${machineName()}; ${options.text('size')}, ${clip.boxes.length} objects,`);
  console.log(`${answered} frames answered of ${frames}, ${perFrame} ms a frame\n`);
  const columns = ['moment', 'resident MB', 'threads', 'handles', 'children'];
  const rows = [
    stateRow('before the stream', before),
    stateRow(`frame ${from}`, atFrom),
    stateRow(`frame ${frames - 1}`, atEnd),
    stateRow(`${settleMs / 1000} s after the stream`, after),
  ];
  console.log(`${markdownTable(columns, rows)}\n`);
  const steady = samples.filter(({ frame }) => frame >= from);
  const { slope } = linearTrend(steady.map(({ frame, residentMb }) => [frame / 1000, residentMb]));
  console.log(`Slope from frame ${from} on: ${cell(slope, 2)} MB per 1000 frames`);
}

function stateRow(name: string, state: ProcessState | null): string[] {
  if (state === null) return [name, '-', '-', '-', '-'];
  const { residentMb, threads, handles, children } = state;
  return [name, cell(residentMb, 0), String(threads), String(handles), String(children)];
}
