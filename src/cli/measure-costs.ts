import type { Frame } from '../frame/frame.ts';
import { goldenPicture, type LoadedModel } from '../inference/index.ts';
import { type TrackerPool, trackerFrame } from '../pipeline/index.ts';
import type { MeasuredCosts } from '../server/index.ts';

/** Runs are timed in batches that are long beside the grain of the kernel's books. */
const batchMs = 60;
const batches = 5;

/** After so much no further batch is begun: a large model takes seconds for one. */
const enoughMs = 400;

/** Steps until a new tracking thread is as fast as it will be. */
const warmSteps = 24;

/** Pixels by which the second picture of the flow's pair is moved. */
const shiftPixels = 3;

/**
 * Measures what predictions of load rest on, on this machine, before anything is served: CPU
 * milliseconds of each part, or wall time where another processor than the CPU runs the model.
 * Throws as the calls of the model and of the tracker do.
 */
export async function measureCosts(
  model: LoadedModel,
  trackers: TrackerPool,
  { threads, signal }: { readonly threads: number; readonly signal: AbortSignal },
): Promise<MeasuredCosts> {
  const { frame, box } = goldenPicture(1);
  using picture = frame;
  const isCpu = model.info.provider === 'cpu';
  const clock = isCpu ? cpuMs : () => performance.now();
  const encode = async () => (await model.encode(picture, signal)).close();
  using features = await model.encode(picture, signal);
  const request = { clicks: [], box, prior: null, memory: [] };
  return {
    encodeMs: await costOf(encode, clock),
    decodeMs: await costOf(() => model.decode(features, [request], signal), clock),
    refineMs: await refineCost(model, { signal, clock }),
    flowMs: await flowCost(model, trackers),
    parallelism: isCpu ? threads : 1,
  };
}

/** Of all threads of this process. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function costOf(run: () => Promise<unknown>, clock: () => number): Promise<number> {
  await run();
  let least = Infinity;
  const from = clock();
  for (let batch = 0; batch < batches && clock() - from < enoughMs; batch++) {
    least = Math.min(least, await meanOf(run, clock));
  }
  // A start is no quiet moment: what is compiled or collected meanwhile is no cost of a frame, and
  // neighbours on the same core only add.
  return least;
}

async function meanOf(run: () => Promise<unknown>, clock: () => number): Promise<number> {
  const from = clock();
  let runs = 0;
  do {
    await run();
    runs++;
  } while (clock() - from < batchMs);
  return (clock() - from) / runs;
}

async function refineCost(
  model: LoadedModel,
  { signal, clock }: { readonly signal: AbortSignal; readonly clock: () => number },
): Promise<number> {
  const { refiner } = model.info;
  if (refiner === null) return 0;
  const plane = refiner.cropSide * refiner.cropSide;
  const request = {
    crop: new Float32Array(3 * plane).fill(128),
    prior: new Float32Array(plane).fill(0.5),
    appearance: new Float32Array(refiner.appearanceLength),
  };
  return await costOf(() => model.refine([request], signal), clock);
}

/** Of a frame whose flow is computed, without objects. */
async function flowCost({ info }: LoadedModel, trackers: TrackerPool): Promise<number> {
  const tracker = await trackers.open({
    flowEngine: 'dis',
    flowLongSide: 256,
    maskSide: info.maskSide,
    cropSide: null,
    historyFrames: 2,
  });
  const pictures = [goldenPicture(1).frame, goldenPicture(1).frame];
  pictures[1]?.data.copyWithin(0, shiftPixels);
  let index = 0;
  const step = async () => {
    const picture: Frame | undefined = pictures[index % 2];
    if (picture === undefined) return;
    const at = { ...trackerFrame(picture), index, timestampUs: index * 40_000 };
    index++;
    await tracker.call('advance', at, { needMotion: true });
  };
  try {
    for (let warm = 0; warm < warmSteps; warm++) await step();
    return await costOf(step, cpuMs);
  } finally {
    tracker.close();
    for (const picture of pictures) picture.close();
  }
}
