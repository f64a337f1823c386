import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame } from '../../src/frame/frame.ts';
import { maskFromBitmap, maskIou, type Mask } from '../../src/frame/mask.ts';
import type { Segmenter } from '../../src/frame/ports.ts';
import { sharedRegion } from '../../src/frame/region-of-interest.ts';
import { readIndexedPng } from '../../src/formats/indexed-png.ts';
import { FeatureBank } from '../../src/pipeline/keyframe/feature-bank.ts';
import { PrefetchedFeatures } from '../../src/pipeline/keyframe/prefetch.ts';
import { promptInPicture } from '../../src/pipeline/keyframe/prompt-geometry.ts';
import { segmentObjects } from '../../src/pipeline/keyframe/segment.ts';
import { newObjectRecord } from '../../src/pipeline/prompts/object-record.ts';
import { StageClock } from '../../src/pipeline/stage-clock.ts';
import { softMaskFromLogits } from '../../src/tracking/mask/model-mask.ts';
import { renderDisjoint } from '../../src/tracking/mask/overlap.ts';
import { settleContest } from '../../src/tracking/mask/settle-contest.ts';
import { outlineOf, touchRatio } from '../../src/tracking/mask/touch.ts';
import { sampleColours } from '../../src/tracking/object/colour-histogram.ts';
import { colourLikeness, coloursOf } from '../../src/tracking/object/colour-likeness.ts';

/** One object of a crowded picture, and how its mask came out beside the others. */
export type ContestSample = {
  readonly set: string;
  readonly picture: string;
  readonly predictedIou: number;
  /** Share of its mask that others claim too. */
  readonly contestedRatio: number;
  /** Share of its outline at which others begin, and how alike they are by colour. */
  readonly touches: readonly { readonly ratio: number; readonly likeness: number }[];
  /** True IoU, by each lead that was tried. */
  readonly iou: Readonly<Record<string, number>>;
};

/** Most objects of a picture, the largest first, and the least share of the picture of each. */
const maxObjects = 6;
const minAreaRatio = 0.004;

/** Prompts the objects of a picture by their true boxes, and settles who owns what, with each lead. */
export async function collectContests(
  file: { readonly set: string; readonly path: string },
  frame: Frame,
  given: { readonly segmenter: Segmenter; readonly leads: readonly number[] },
): Promise<ContestSample[]> {
  const truths = trueMasks(file.path);
  if (truths.length < 2) return [];
  const { width, height } = frame.display;
  const objects = truths.map(({ box }, i) => {
    const record = newObjectRecord(i + 1, null, { frameIndex: frame.index, timestampUs: 0 });
    return { record, prompt: promptInPicture({ clicks: [], box }, frame.display) };
  });
  const { regionScale } = given.segmenter.info.tracking;
  const boxes = truths.flatMap(({ box }) => box ?? []);
  const region = sharedRegion(
    boxes.map((box) => ({
      x: box.x / width,
      y: box.y / height,
      width: box.width / width,
      height: box.height / height,
    })),
    regionScale,
  );
  const bank = new FeatureBank();
  const context = {
    segmenter: given.segmenter,
    bank,
    prefetched: new PrefetchedFeatures(),
    clock: new StageClock(() => performance.now()),
    signal: new AbortController().signal,
    mayFlip: () => true,
    onEncode: () => undefined,
  };
  const prompted = objects.map((object) => ({ kind: 'prompted', region, ...object }) as const);
  const answers = await segmentObjects(context, frame, prompted).finally(() => bank.close());
  const actions = answers.map(({ action }) => action);
  const side = given.segmenter.info.maskSide;
  const masks = actions.map((action) =>
    softMaskFromLogits(action.logits, side, frame.analysis, action.region),
  );
  const { contestedRatios } = settleContest(masks);
  const rendered = given.leads.map((lead) =>
    renderDisjoint(settleContest(masks, lead).masks, frame.display),
  );
  const samples = sampleColours(frame);
  return masks.map((mask, i) => ({
    set: file.set,
    picture: file.path,
    predictedIou: actions[i]!.predictedIou,
    contestedRatio: contestedRatios[i]!,
    touches: masks.flatMap((other, j) => {
      const ratio = j === i ? 0 : touchRatio(outlineOf(mask), other);
      return ratio === 0
        ? []
        : [
            {
              ratio,
              likeness: colourLikeness(coloursOf(samples, mask), coloursOf(samples, other)),
            },
          ];
    }),
    iou: Object.fromEntries(
      given.leads.map((lead, k) => [lead, maskIou(rendered[k]![i]!, truths[i]!)]),
    ),
  }));
}

/** Pictures of unpacked sets below `folder`, every `step`-th one. */
export function* crowdedPictures(folder: string, step: number) {
  for (const set of ['cats', 'balloons', 'coco-free']) {
    const files = readdirSync(join(folder, set)).filter((name) => name.endsWith('.jpg'));
    for (const [i, name] of files.toSorted().entries()) {
      if (i % step === 0) yield { set, path: join(folder, set, name) };
    }
  }
}

function trueMasks(path: string): Mask[] {
  const map = path.replace(/jpg$/, '0.png');
  const { size, ids } = readIndexedPng(readFileSync(map), map);
  const instances = [...new Set(ids)].filter((id) => id !== 0 && id !== 255);
  return instances
    .map((id) =>
      maskFromBitmap(
        ids.map((value) => (value === id ? 1 : 0)),
        size,
      ),
    )
    .filter(({ area }) => area >= minAreaRatio * size.width * size.height)
    .toSorted((a, b) => b.area - a.area)
    .slice(0, maxObjects);
}
