import type { Frame } from '../../src/frame/frame.ts';
import { wholePicture } from '../../src/frame/geometry.ts';
import type { Segmenter, TextInstance } from '../../src/frame/ports.ts';
import { sharedRegion } from '../../src/frame/region-of-interest.ts';
import { encodeInto, type KeyframeContext } from '../../src/pipeline/keyframe/encode.ts';
import { FeatureBank } from '../../src/pipeline/keyframe/feature-bank.ts';
import { PrefetchedFeatures } from '../../src/pipeline/keyframe/prefetch.ts';
import { promptInPicture } from '../../src/pipeline/keyframe/prompt-geometry.ts';
import { segmentObjects } from '../../src/pipeline/keyframe/segment.ts';
import { newObjectRecord } from '../../src/pipeline/prompts/object-record.ts';
import { StageClock } from '../../src/pipeline/stage-clock.ts';
import type { SegmentedAction } from '../../src/tracking/tracker-types.ts';
import type { LabelledPicture } from './labelled-pictures.ts';

/** One instance that a noun found in a picture, however uncertain, and the truth. */
export type Finding = {
  readonly set: string;
  readonly picture: string;
  readonly noun: string;
  readonly score: number;
  readonly hidden: boolean;
  readonly predictedIou: number;
  readonly presence: number;
  /** Area of the mask that the decoder made of the box, by that of the box. */
  readonly filledRatio: number;
  /** Share of that mask's labelled pixels which are the noun. */
  readonly rightRatio: number;
};

/** Looks for every noun of a picture's labels, at any score. */
export async function collectFindings(
  picture: LabelledPicture,
  frame: Frame,
  segmenter: Segmenter,
): Promise<Finding[]> {
  const bank = new FeatureBank();
  const context: KeyframeContext = {
    segmenter,
    bank,
    prefetched: new PrefetchedFeatures(),
    clock: new StageClock(() => performance.now()),
    signal: new AbortController().signal,
    mayFlip: () => true,
    onEncode: () => undefined,
  };
  const findings: Finding[] = [];
  try {
    for (const noun of picture.nouns.keys()) {
      const features = await encodeInto(context, frame, wholePicture);
      const query = { phrase: noun, maxObjects: 12, minScore: 0, frame };
      const instances = await segmenter.findText(features, query, context.signal);
      if (instances.length === 0) continue;
      const actions = await segment(instances, frame, context);
      instances.forEach((instance, i) => {
        findings.push(judged(instance, actions[i]!, picture));
      });
    }
  } finally {
    bank.close();
  }
  return findings;
}

async function segment(
  instances: readonly TextInstance[],
  frame: Frame,
  context: KeyframeContext,
): Promise<SegmentedAction[]> {
  const { regionScale } = context.segmenter.info.tracking;
  const region = sharedRegion(
    instances.map(({ box }) => box),
    regionScale,
  );
  const { width, height } = frame.display;
  const objects = instances.map(({ box }, i) => {
    const drawn = {
      x: box.x * width,
      y: box.y * height,
      width: box.width * width,
      height: box.height * height,
    };
    const record = newObjectRecord(i + 1, null, { frameIndex: frame.index, timestampUs: 0 });
    const prompt = promptInPicture({ clicks: [], box: drawn }, frame.display);
    return { kind: 'prompted', record, region, prompt } as const;
  });
  const answers = await segmentObjects(context, frame, objects);
  return answers.map(({ action }) => action);
}

function judged(
  { box, score, noun }: TextInstance,
  { hidden, predictedIou, presence, logits, region }: SegmentedAction,
  { set, name, labels, size, nouns, unknown }: LabelledPicture,
): Finding {
  const side = Math.sqrt(logits.length);
  const yes = nouns.get(noun) ?? [];
  let [inside, known, right] = [0, 0, 0];
  logits.forEach((logit, cell) => {
    if (logit <= 0) return;
    inside++;
    const u = region.x + (((cell % side) + 0.5) / side) * region.width;
    const v = region.y + ((Math.floor(cell / side) + 0.5) / side) * region.height;
    const label = labels[Math.floor(v * size.height) * size.width + Math.floor(u * size.width)]!;
    if (unknown.includes(label)) return;
    known++;
    if (yes.includes(label)) right++;
  });
  const area = (inside / logits.length) * region.width * region.height;
  return {
    set,
    picture: name,
    noun,
    score,
    hidden,
    predictedIou,
    presence,
    filledRatio: area / (box.width * box.height),
    rightRatio: known === 0 ? 0 : right / known,
  };
}
