import type { AgeBucket, Calibration } from './calibration.ts';
import { calibration, calibrationByAge } from './calibration.ts';
import { davisClips } from './clips.ts';
import type { ClipResult, Setting } from './evaluate-clip.ts';
import { mean } from './series-statistics.ts';
import type { EvalPrompt } from './true-prompts.ts';

/** One row of the report: a clip, or the mean of several. */
export type Row = {
  readonly name: string;
  readonly clips: number;
  readonly frames: number;
  readonly objects: number;
  readonly region: number;
  readonly boundary: number;
  readonly regionAndBoundary: number;
  readonly regionRecall: number;
  readonly regionDecay: number;
  readonly stability: number;
  readonly keyframes: number;
  readonly encoderRunsPerFrame: number;
  readonly cpuMsPerFrame: number | null;
  readonly cpuMsPerFrameWithoutDecoding: number | null;
  readonly wallMsPerFrame: number;
};

/** Calibration of the samples of several clips, pooled. */
export type Pool = {
  readonly name: string;
  readonly all: Calibration;
  readonly byAge: readonly AgeBucket[];
};

/** Everything that is reported of one setting. */
export type SettingSummary = {
  readonly setting: Setting;
  readonly clips: readonly Row[];
  /** Mean over the clips of DAVIS; null where none was run. */
  readonly davis: Row | null;
  readonly others: Row | null;
  readonly pools: readonly Pool[];
};

/** Calibration over all prompts that ran under the same keyframes. */
export type PromptPool = {
  readonly keyframes: string;
  readonly prompts: readonly EvalPrompt[];
  readonly pools: readonly Pool[];
};

/** Sums up all clips of one setting. */
export function summarize(setting: Setting, results: readonly ClipResult[]): SettingSummary {
  const davis = results.filter(({ clip }) => davisClips.has(clip));
  const others = results.filter(({ clip }) => !davisClips.has(clip));
  return {
    setting,
    clips: results.map(clipRow),
    davis: davis.length === 0 ? null : meanRow(`mean of ${davis.length} DAVIS`, davis),
    others: others.length === 0 ? null : meanRow(`mean of ${others.length} others`, others),
    pools: poolsOf(results),
  };
}

/** Calibration over prompts, for each keyframe setting that ran under more than one of them. */
export function poolPrompts(results: readonly ClipResult[]): PromptPool[] {
  const settings = new Set(results.map(({ setting }) => setting.keyframes));
  return [...settings].flatMap((keyframes) => {
    const inside = results.filter(({ setting }) => setting.keyframes === keyframes);
    const prompts = [...new Set(inside.map(({ setting }) => setting.prompt))];
    return prompts.length < 2 ? [] : [{ keyframes, prompts, pools: poolsOf(inside) }];
  });
}

function poolsOf(results: readonly ClipResult[]): Pool[] {
  const davis = results.filter(({ clip }) => davisClips.has(clip));
  const others = results.filter(({ clip }) => !davisClips.has(clip));
  return [
    ...(davis.length === 0 ? [] : [pool('DAVIS', davis)]),
    ...(others.length === 0 ? [] : [pool('others', others)]),
  ];
}

function clipRow(result: ClipResult): Row {
  const { objects } = result;
  const region = mean(objects.map((object) => object.region.mean));
  const boundary = mean(objects.map((object) => object.boundary.mean));
  return {
    name: result.clip,
    clips: 1,
    frames: result.frames,
    objects: objects.length,
    region,
    boundary,
    regionAndBoundary: (region + boundary) / 2,
    regionRecall: mean(objects.map((object) => object.region.recall)),
    regionDecay: mean(objects.map((object) => object.region.decay)),
    stability: mean(objects.map((object) => object.stability)),
    keyframes: result.keyframes,
    encoderRunsPerFrame: result.encoderRuns / result.frames,
    cpuMsPerFrame: result.cpuMsPerFrame,
    cpuMsPerFrameWithoutDecoding: result.cpuMsPerFrameWithoutDecoding,
    wallMsPerFrame: result.wallMsPerFrame,
  };
}

/** Every clip counts alike, as in the benchmark, except for what is a sum. */
function meanRow(name: string, results: readonly ClipResult[]): Row {
  const rows = results.map(clipRow);
  const total = (pick: (row: Row) => number) => rows.reduce((sum, row) => sum + pick(row), 0);
  const average = (pick: (row: Row) => number) => total(pick) / rows.length;
  const costs = (pick: (row: Row) => number | null) =>
    rows.some((row) => pick(row) === null) ? null : average((row) => pick(row) ?? 0);
  return {
    name,
    clips: rows.length,
    frames: total((row) => row.frames),
    objects: total((row) => row.objects),
    region: average((row) => row.region),
    boundary: average((row) => row.boundary),
    regionAndBoundary: average((row) => row.regionAndBoundary),
    regionRecall: average((row) => row.regionRecall),
    regionDecay: average((row) => row.regionDecay),
    stability: average((row) => row.stability),
    keyframes: total((row) => row.keyframes),
    encoderRunsPerFrame: average((row) => row.encoderRunsPerFrame),
    cpuMsPerFrame: costs((row) => row.cpuMsPerFrame),
    cpuMsPerFrameWithoutDecoding: costs((row) => row.cpuMsPerFrameWithoutDecoding),
    wallMsPerFrame: average((row) => row.wallMsPerFrame),
  };
}

function pool(name: string, results: readonly ClipResult[]): Pool {
  const samples = results.flatMap(({ objects }) => objects.flatMap((object) => object.samples));
  return { name, all: calibration(samples), byAge: calibrationByAge(samples) };
}
