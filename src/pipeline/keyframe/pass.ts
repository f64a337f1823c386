import type { Frame } from '../../frame/frame.ts';
import { inFractions, unionBox, wholePicture, type Box, type Size } from '../../frame/geometry.ts';
import type { Click } from '../../frame/prompt.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import { softMaskBounds, softMaskFromLogits } from '../../tracking/mask/model-mask.ts';
import type { ObjectRecord } from '../prompts/object-record.ts';
import type { PriorMask } from '../../tracking/tracker-types.ts';
import type { PrefetchedFeatures } from './prefetch.ts';
import type { FeatureBank } from './feature-bank.ts';
import { boxInRegion } from './regions.ts';
import { flipMask, flipRequest } from './flip.ts';
import type { DecodeRequest, Features, Segmented, Segmenter } from '../../frame/ports.ts';
import type { StageClock } from '../stage-clock.ts';

/** How one object is put to the model on a keyframe. */
export type KeyframeObject = {
  readonly record: ObjectRecord;
  /** Region of interest: the part of the picture to encode, in fractions of it. */
  readonly region: Box;
  /** Its propagated mask in the region; null where it has none or the prompts start anew. */
  readonly prior: PriorMask | null;
  /** Prompts of this very frame, display pixels; null where there are none. */
  readonly prompt: { readonly clicks: readonly Click[]; readonly box: Box | null } | null;
  /** Where to re-detect it by memory if its mask leads to nothing; null: nowhere. */
  readonly redetectionRegion: Box | null;
};

/** What segmenting a keyframe needs besides the objects. */
export type KeyframeContext = {
  readonly segmenter: Segmenter;
  readonly bank: FeatureBank;
  /** Encoder runs that were begun before the frame's turn. */
  readonly prefetched: PrefetchedFeatures;
  readonly clock: StageClock;
  readonly signal: AbortSignal;
  /** Called for each encoder run. */
  readonly onEncode: () => void;
};

/** One decoder pass over one object: what is asked, in fractions of the region as it is. */
export type DecoderPass = {
  readonly region: Box;
  readonly request: DecodeRequest;
  /** The model sees the region flipped left to right; memory of such a pass is empty. Default: false. */
  readonly flipped?: boolean;
};

/** What the decoder said in one pass over one object, and the region of the picture that it saw. */
export type PassResult = { readonly region: Box; readonly result: Segmented };

/** What a prompt says, in fractions of a region; clicks mean the middle of their pixel. */
export function promptInRegion(
  prompt: KeyframeObject['prompt'],
  region: Box,
  display: Size,
): Pick<DecodeRequest, 'clicks' | 'box'> {
  const clicks = (prompt?.clicks ?? []).map((click) => ({
    ...click,
    x: ((Math.floor(click.x) + 0.5) / display.width - region.x) / region.width,
    y: ((Math.floor(click.y) + 0.5) / display.height - region.y) / region.height,
  }));
  if (!prompt?.box) return { clicks, box: null };
  return { clicks, box: boxInRegion(inFractions(prompt.box, display), region) };
}

/** The pixel that a click is on, in fractions of the picture. */
export function pixelUnder({ x, y }: Click, display: Size): Box {
  const pixel = { x: Math.floor(x), y: Math.floor(y), width: 1, height: 1 };
  return inFractions(pixel, display);
}

/** The pixels that a prompt's positive clicks are on, in fractions of the picture; null: none. */
export function positiveClicksBox(prompt: KeyframeObject['prompt'], display: Size): Box | null {
  const positive = (prompt?.clicks ?? []).filter(({ label }) => label === 'positive');
  return positive.reduce<Box | null>(
    (box, click) => unionBox(box, pixelUnder(click, display)),
    null,
  );
}

/** The mask of a pass, at analysis size, and its box in fractions of the picture; null: empty. */
export function passMask(
  { region, result: { logits } }: PassResult,
  { analysis }: Pick<Frame, 'analysis'>,
): { readonly soft: SoftMask; readonly box: Box | null } {
  const soft = softMaskFromLogits(logits, Math.sqrt(logits.length), analysis, region);
  const bounds = softMaskBounds(soft);
  return { soft, box: bounds && inFractions(bounds, analysis) };
}

/** Runs the image encoder on a region unless its features are held already. The bank owns them. */
export async function encodeInto(
  context: KeyframeContext,
  frame: Frame,
  region: Box,
  flipped = false,
): Promise<Features> {
  const { bank, clock, segmenter, signal } = context;
  const held = bank.get({ frameIndex: frame.index, region, flipped });
  if (held) return held;
  const isWhole = region === wholePicture && !flipped;
  const prefetched = isWhole ? context.prefetched.take(frame.index) : undefined;
  if (prefetched === undefined) context.onEncode();
  const features = await clock.time(
    'encode',
    () => prefetched ?? segmenter.encode(frame, signal, { region, flipped }),
  );
  bank.put(features);
  return features;
}

/** Decodes, view by view; null where nothing is asked. Masks come back as the picture is. */
export async function decodePasses(
  context: KeyframeContext,
  frame: Frame,
  passes: readonly (DecoderPass | null)[],
): Promise<(PassResult | null)[]> {
  const results = passes.map((): PassResult | null => null);
  for (const flipped of [false, true]) {
    const asked = passes.flatMap((pass, i) =>
      pass !== null && (pass.flipped ?? false) === flipped ? [{ pass, i }] : [],
    );
    for (const region of new Set(asked.map(({ pass }) => pass.region))) {
      const here = asked.filter(({ pass }) => pass.region === region);
      const requests = here.map(({ pass }) => pass.request);
      const decoded = await decodeView(context, frame, { region, flipped, requests });
      here.forEach(({ i }, k) => {
        const result = decoded[k];
        if (result) results[i] = { region, result };
      });
    }
  }
  return results;
}

async function decodeView(
  context: KeyframeContext,
  frame: Frame,
  view: { region: Box; flipped: boolean; requests: readonly DecodeRequest[] },
): Promise<Segmented[]> {
  const { segmenter, clock, signal } = context;
  const { region, flipped } = view;
  const features = await encodeInto(context, frame, region, flipped);
  const requests = flipped ? view.requests.map(flipRequest) : view.requests;
  const results = await clock.time('decode', () => segmenter.decode(features, requests, signal));
  if (!flipped) return results;
  return results.map((result) => ({ ...result, logits: flipMask(result.logits) }));
}
