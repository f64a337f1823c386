import { setMaxListeners } from 'node:events';
import type { FrameMasks } from '../../clients/typescript/index.ts';
import { connect } from '../../clients/typescript/index.ts';
import type { Clip, TrueMasks } from '../../src/evaluation/clips.ts';
import { findClips, readTruths } from '../../src/evaluation/clips.ts';
import { mean } from '../../src/evaluation/series-statistics.ts';
import { startServerProcess } from '../../src/evaluation/server-process.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { decodeObject } from '../../src/calls/decode-answer.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import type { CameraClip } from '../support/camera-clip.ts';
import {
  cameraFrameRate,
  createCameraClip,
  pictureSize,
  readPieces,
} from '../support/camera-clip.ts';
import {
  clipsPlayed,
  filmedFrame,
  filmedObjectId,
  isScored,
  regionOfClip,
  scoreOf,
} from '../support/filmed-truth.ts';
import type { LiveRun } from '../support/live-camera.ts';
import { countFrom, runLiveCameras, warmUpServer } from '../support/live-camera.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';
import { percentile } from '../support/percentile.ts';

/*
 * What masks lose when a server keeps several live cameras busy: clips with true masks are played
 * forth and back as cameras of 30 frames a second, in LATEST, a box for the one object on the first
 * frame; camera k plays clip k. J of the answers is set against that of the same clips alone.
 *
 *   npm run bench camera-quality -- --clips FOLDER [options]
 *
 *   --clips FOLDER   folders with clip.mp4 and masks/NNNNN.png
 *   --cameras LIST   numbers of cameras. Default: 4,5,6
 *   --seconds S      length of each run. Default: 16
 *   --warm-up S      start of each run that is left out. Default: 2
 *   --size WxH       Default: 1280x720
 *   --bit-rate K     constant, in kbit/s (a camera's: 3000). Default: 0, constant quality, twice as heavy
 *   --threads N      threads of one model run. Default: 2
 */

const options = readBenchOptions({
  clips: '',
  cameras: '4,5,6',
  seconds: '16',
  'warm-up': '2',
  size: '1280x720',
  'bit-rate': '0',
  threads: '2',
});
const { signal } = new AbortController();
// Every camera listens to it.
setMaxListeners(0, signal);
const ffmpeg = await findConfiguredFfmpeg();
const size = pictureSize(options.text('size'));
const frames = Math.round(options.number('seconds') * cameraFrameRate);
const warmUpFrames = Math.round(options.number('warm-up') * cameraFrameRate);

/** A clip as a camera, with the truth of its frames in the order in which they were filmed. */
type Subject = {
  readonly name: string;
  readonly camera: CameraClip;
  readonly pieces: readonly Buffer[];
  readonly truths: ReadonlyMap<number, TrueMasks>;
};

/** A camera's run: J over its scored frames. */
type Scored = { readonly region: number; readonly run: LiveRun };

const subjects: Subject[] = [];
try {
  for (const clip of await findClips(options.text('clips'), null)) {
    subjects.push(await subjectOf(clip));
  }
  const { rows, clips } = await measure();
  print(rows, clips);
} finally {
  for (const { camera } of subjects) await camera[Symbol.asyncDispose]();
}

/** A row for each number of cameras, and one for each clip: J alone, then with each number. */
async function measure(): Promise<{ readonly rows: string[][]; readonly clips: string[][] }> {
  const alone: number[] = [];
  for (const subject of subjects) {
    alone.push(...(await play([subject])).map(({ region }) => region));
  }
  const rows: string[][] = [];
  const clips = subjects.map(({ name }, k) => [name, cell(alone[k] ?? null, 3)]);
  for (const cameras of options.numbers('cameras')) {
    const played = clipsPlayed(cameras, subjects.length);
    const runs = await play(played.map((k) => subjects[k]!));
    rows.push(row(runs, mean(played.map((k) => alone[k]!))));
    const regions = runs.map(({ region }) => region);
    for (const [k, clip] of clips.entries()) clip.push(cell(regionOfClip(k, regions, played), 3));
  }
  return { rows, clips };
}

function print(rows: readonly string[][], clips: readonly string[][]): void {
  console.log(`${machineName()}; ${options.text('size')} at ${cameraFrameRate} frames a second,`);
  console.log(`${subjects.length} clips, one object each, ${options.number('seconds')} s\n`);
  const columns = ['cameras', 'dropped', 'p95 ms', 'keyframes/frame', 'refined/frame'];
  console.log(`${markdownTable([...columns, 'J', 'J of the same clips alone'], rows)}\n`);
  const loads = options.numbers('cameras').map((cameras) => `J, ${cameras} cameras`);
  console.log(markdownTable(['clip', 'J alone', ...loads], clips));
}

async function subjectOf(clip: Clip): Promise<Subject> {
  const bitRateKbps = options.number('bit-rate');
  const filming = { ffmpeg, source: clip, size, maxObjects: 1, bitRateKbps, signal };
  const camera = await createCameraClip(filming);
  const pieces = await readPieces(camera, { ffmpeg, frames, signal });
  return { name: clip.name, camera, pieces, truths: await readTruths(clip, size) };
}

/** Plays all at once, on a server of their own. */
async function play(playing: readonly Subject[]): Promise<Scored[]> {
  await using server = await startServerProcess(['--threads', options.text('threads')]);
  using client = connect(server.address);
  const cameras = playing.map(({ camera: { boxes }, pieces, truths }) => {
    const kept: FrameMasks[] = [];
    const onAnswer = (masks: FrameMasks) => {
      if (isScored(masks.frameIndex, warmUpFrames)) kept.push(masks);
    };
    const region = () => mean(kept.flatMap((masks) => scoreAnswer(masks, truths)));
    return { pieces, boxes, onAnswer, region };
  });
  const receiver = { client, signal };
  await warmUpServer(cameras[0]!, receiver);
  const runs = await runLiveCameras(cameras, receiver);
  return runs.map((run, k) => ({ region: cameras[k]!.region(), run }));
}

function scoreAnswer(
  { frameIndex, objects }: FrameMasks,
  truths: ReadonlyMap<number, TrueMasks>,
): number[] {
  const answer = objects.find(({ objectId }) => objectId === filmedObjectId);
  return scoreOf(truths.get(filmedFrame(truths.size, frameIndex)), () =>
    answer === undefined ? null : decodeObject(answer, size).mask,
  );
}

function row(runs: readonly Scored[], regionAlone: number): string[] {
  const counted = runs.map(({ run }) => countFrom(warmUpFrames, run));
  const answers = counted.flatMap((one) => one.answers);
  const dropped = counted.reduce((sum, one) => sum + one.dropped, 0);
  const share = (stage: 'encodeUs' | 'refineUs') =>
    answers.filter(({ timings }) => timings[stage] > 0).length / answers.length;
  const latencies = answers.map(({ latencyMs }) => latencyMs);
  return [
    String(runs.length),
    `${dropped} of ${answers.length + dropped}`,
    cell(percentile(latencies, 0.95), 0),
    cell(share('encodeUs'), 3),
    cell(share('refineUs'), 2),
    cell(mean(runs.map(({ region }) => region)), 3),
    cell(regionAlone, 3),
  ];
}
