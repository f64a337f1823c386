import { join } from 'node:path';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { findClips, readTruths, type TrueMasks } from '../../src/evaluation/clips.ts';
import { mean } from '../../src/evaluation/series-statistics.ts';
import { maskPixels } from '../../src/frame/delivered-mask.ts';
import { loadModel } from '../../src/inference/index.ts';
import { packageRoot } from '../../src/package-root.ts';
import { createTrackerPool, type FrameResult } from '../../src/pipeline/index.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import { createCameraClip, pictureSize } from '../support/camera-clip.ts';
import { readStreamCosts } from '../support/capacity/read-costs.ts';
import {
  clipsPlayed,
  filmedFrame,
  filmedObjectId,
  isScored,
  regionOfClip,
  scoreOf,
} from '../support/filmed-truth.ts';
import { cell, markdownTable } from '../support/markdown-table.ts';
import { percentile } from '../support/percentile.ts';
import { readFilm, type Film } from '../support/simulated-server/film.ts';
import {
  simulateServer,
  type SimulatedAnswer,
  type SimulatedCamera,
} from '../support/simulated-server/simulated-server.ts';

/*
 * What masks lose when a server keeps too many live cameras, as `bench camera-quality`, in simulated
 * time: the sessions, the tracker and the model are real, and only how long each call takes is simulated,
 * on two cores that have nothing else to do. The same on a busy machine, and from run to run.
 *
 *   npm run bench simulated-quality -- --clips FOLDER --costs FILE [options]
 *
 *   --clips FOLDER   folders with clip.mp4 and masks/NNNNN.png; camera k plays clip k
 *   --costs FILE     a file of `bench capacity`
 *   --stream NAME    which of its cameras. Default: 1280x720, 1 object
 *   --only LIST      names of clips. Default: all
 *   --cameras LIST   numbers of cameras; 0: every clip alone. Default: 0,4,6,8
 *   --speed X        how many times as dear all work is but decoding. Default: 1
 *   --seconds S      length of each run. Default: 10
 *   --warm-up S      start of each run that is left out. Default: 2
 *   --size WxH       Default: 1280x720
 *   --cores N        Default: 2
 *   --seeds LIST     of the spread of the costs. Default: 1
 */

const options = readBenchOptions({
  clips: '',
  costs: '',
  stream: '1280x720, 1 object',
  only: '',
  cameras: '0,4,6,8',
  speed: '1',
  seconds: '10',
  'warm-up': '2',
  size: '1280x720',
  cores: '2',
  seeds: '1',
});
const { signal } = new AbortController();
const costs = readStreamCosts(
  options.text('costs'),
  options.text('stream'),
  options.number('speed'),
);
const warmUpFrames = Math.round(options.number('warm-up') * costs.frameRate);
const frames = Math.round(options.number('seconds') * costs.frameRate);

/** A clip as a camera, with the truth of its frames. */
type Subject = Pick<SimulatedCamera, 'film' | 'boxes'> & {
  readonly name: string;
  readonly truths: ReadonlyMap<number, TrueMasks>;
};

const subjects = await readSubjects();
const directory = join(packageRoot(), 'models/maskstream-tiny');
await using model = await loadModel({ directory, signal });
const trackers = createTrackerPool({ maxThreads: 2 });
const rows: string[][] = [];
for (const seed of options.numbers('seeds')) {
  for (const cameras of options.numbers('cameras')) rows.push(await measure(cameras, seed));
}
await trackers.close();
console.log(
  `${costs.name}, work ${options.text('speed')} times as dear, ${subjects.length} clips\n`,
);
const columns = 'cameras,seed,dropped %,p50 ms,p95 ms,keyframes an answer,answers a second,J';
const each = subjects.map(({ name }) => `J ${name}`);
console.log(markdownTable([...columns.split(','), 'first masks after ms', ...each], rows));

async function readSubjects(): Promise<Subject[]> {
  const ffmpeg = await findConfiguredFfmpeg();
  const size = pictureSize(options.text('size'));
  const names = options.text('only') === '' ? null : options.list('only');
  const read: Subject[] = [];
  for (const clip of await findClips(options.text('clips'), names)) {
    const filming = { ffmpeg, source: clip, size, maxObjects: 1, bitRateKbps: 0, signal };
    await using camera = await createCameraClip(filming);
    const film = await readFilm(camera, { ffmpeg, signal });
    const { boxes } = camera;
    read.push({ name: clip.name, film, boxes, truths: await readTruths(clip, size) });
  }
  return read;
}

/** A camera's answers, with J of those that were scored. */
type Played = { readonly answers: readonly SimulatedAnswer[]; readonly region: number };

async function measure(cameras: number, seed: number): Promise<string[]> {
  const clips = clipsPlayed(cameras === 0 ? subjects.length : cameras, subjects.length);
  const played: Played[] = [];
  if (cameras === 0) for (const k of clips) played.push(...(await play([k], seed)));
  else played.push(...(await play(clips, seed)));
  const regions = played.map(({ region }) => region);
  const counted = played.flatMap(({ answers }) =>
    answers.filter(({ frameIndex }) => frameIndex >= warmUpFrames),
  );
  const latencies = counted.map(({ latencyMs }) => latencyMs);
  const captured = played.length * (frames - warmUpFrames);
  const keyframes = counted.filter(({ result }) => result.timings.encode > 0).length;
  const countedSeconds = (frames - warmUpFrames) / costs.frameRate;
  const firstMs = played.map(({ answers: [first] }) => cell(first?.latencyMs ?? null, 0));
  return [
    cameras === 0 ? 'each alone' : String(cameras),
    String(seed),
    cell((1 - counted.length / captured) * 100, 1),
    cell(percentile(latencies, 0.5), 0),
    cell(percentile(latencies, 0.95), 0),
    cell(keyframes / counted.length, 3),
    cell(counted.length / countedSeconds, 0),
    cell(mean(regions), 3),
    firstMs.join(' '),
    ...subjects.map((_, k) => cell(regionOfClip(k, regions, clips), 2)),
  ];
}

async function play(playing: readonly number[], seed: number): Promise<Played[]> {
  const scores: number[][] = playing.map(() => []);
  const cameras = playing.map((k, i) => {
    const { film, boxes, truths } = subjects[k]!;
    const onAnswer = (result: FrameResult) => scores[i]!.push(...scoreAnswer(result, film, truths));
    return { film, boxes, onAnswer };
  });
  const { answers } = await simulateServer(cameras, {
    model,
    trackers,
    costs,
    cores: options.number('cores'),
    seconds: options.number('seconds'),
    seed,
  });
  return answers.map((all, i) => ({ answers: all, region: mean(scores[i]!) }));
}

function scoreAnswer(
  { frameIndex, objects }: FrameResult,
  { pictures }: Film,
  truths: ReadonlyMap<number, TrueMasks>,
): number[] {
  if (!isScored(frameIndex, warmUpFrames)) return [];
  const answer = objects.find(({ objectId }) => objectId === filmedObjectId);
  return scoreOf(truths.get(filmedFrame(pictures.length / 2, frameIndex)), () =>
    answer === undefined ? null : maskPixels(answer.mask),
  );
}
