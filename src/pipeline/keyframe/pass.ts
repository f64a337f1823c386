import type { Frame } from '../../frame/frame.ts';
import { inFractions, type Box, type Size } from '../../frame/geometry.ts';
import type { DecodeRequest, ObjectMemory, Segmented } from '../../frame/ports.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import { softMaskBounds, softMaskFromLogits } from '../../tracking/mask/model-mask.ts';
import type { SegmentedAction } from '../../tracking/tracker-types.ts';
import type { ObjectRecord } from '../prompts/object-record.ts';
import { encodeInto, type KeyframeContext } from './encode.ts';
import { flipMask, flipRequest } from './flip.ts';
import { sharedRegion } from '../../frame/region-of-interest.ts';

/** A zoomed crop that objects share which were answered in one region: one encoder run for all. */
export type SharedCrop = {
  /** Region of the object's answer. */
  readonly answeredIn: Box;
  /** What the crop is to show, in fractions of the picture. */
  readonly place: Box;
  /** How many times the place's size it shows; null: the whole picture. */
  readonly scale: number | null;
};

/** One decoder pass over one object. */
export type DecoderPass = {
  /** What the model sees, in fractions of the picture. */
  readonly region: Box | SharedCrop;
  /** What is asked, in fractions of the region as it is. */
  readonly request: (region: Box) => DecodeRequest;
  /** The model sees the region flipped left to right; memory of such a pass is empty. Default: false. */
  readonly flipped?: boolean;
  /** What of its logits, float32[side, side] of the region, belongs to the object. Default: all. */
  readonly keep?: (logits: Float32Array, region: Box) => Float32Array;
};

/** What the model says of an object, and the region that its logits cover. */
export type Answer = { readonly region: Box; readonly result: Segmented };

/** What the decoder said in one pass over one object. */
export type PassResult = Answer & {
  /** The mask at analysis size and its box in fractions of the picture (null: empty); made once. */
  readonly mask: { readonly soft: SoftMask; readonly box: Box | null };
};

/** What is to be applied to an object, and the memory that its model keeps of it from here on. */
export type ObjectAnswer = {
  readonly action: SegmentedAction;
  /** Null where the model has no memory of its own. */
  readonly objectMemory: ObjectMemory | null;
};

/**
 * The passes over one object in turn: each may rest on what those before it said, null leaves one
 * out. Ends with what they say together; null: nothing. Objects take turns, so that one run serves
 * all that are asked in one region.
 */
export type Passes = Generator<DecoderPass | null, ObjectAnswer | null, PassResult | null>;

/** What is to be applied; by default the object is there, and no prompt of this frame named it. */
export function segmentedAs(
  { objectId }: Pick<ObjectRecord, 'objectId'>,
  { region, result }: Answer,
  {
    hidden = false,
    redetected = false,
    prompt = null,
  }: Partial<Pick<SegmentedAction, 'hidden' | 'redetected' | 'prompt'>>,
): ObjectAnswer {
  const { logits, predictedIou, presence, objectMemory = null } = result;
  const said = { logits, predictedIou, presence, hidden, redetected, region, prompt };
  return { action: { kind: 'segmented', objectId, ...said }, objectMemory };
}

/** A pass's result; its mask is made when it is first asked for. */
export function passResult({ region, result }: Answer, analysis: Size): PassResult {
  let mask: PassResult['mask'] | null = null;
  return {
    region,
    result,
    get mask() {
      return (mask ??= maskIn(region, result.logits, analysis));
    },
  };
}

/** The mask that logits of a region say, at analysis size, and its box in fractions of the picture. */
export function maskIn(region: Box, logits: Float32Array, analysis: Size): PassResult['mask'] {
  const soft = softMaskFromLogits(logits, Math.sqrt(logits.length), analysis, region);
  const bounds = softMaskBounds(soft);
  return { soft, box: bounds && inFractions(bounds, analysis) };
}

/** Decodes, view by view; null where nothing is asked. Masks come back as the picture is. */
export async function decodePasses(
  context: KeyframeContext,
  frame: Frame,
  passes: readonly (DecoderPass | null)[],
): Promise<(PassResult | null)[]> {
  const regions = regionsOf(passes);
  const results = passes.map((): PassResult | null => null);
  for (const flipped of [false, true]) {
    const asked = passes.flatMap((pass, i) => {
      const region = regions[i];
      const isAsked = pass !== null && region && (pass.flipped ?? false) === flipped;
      return isAsked ? [{ i, pass, region, request: pass.request(region) }] : [];
    });
    for (const region of new Set(asked.map((one) => one.region))) {
      const here = asked.filter((one) => one.region === region);
      const requests = here.map(({ request }) => request);
      const decoded = await decodeView(context, frame, { region, flipped, requests });
      here.forEach(({ i, pass: { keep } }, k) => {
        const said = decoded[k];
        if (!said) return;
        const result = keep ? { ...said, logits: keep(said.logits, region) } : said;
        results[i] = passResult({ region, result }, frame.analysis);
      });
    }
  }
  return results;
}

/** The region of each pass; crops of objects that were answered in one region become one. */
function regionsOf(passes: readonly (DecoderPass | null)[]): (Box | null)[] {
  const crops = passes.flatMap((pass) => (pass && 'place' in pass.region ? [pass.region] : []));
  const shared = new Map<Box, Box>();
  for (const { answeredIn, scale } of crops) {
    if (shared.has(answeredIn)) continue;
    const here = crops.filter((crop) => crop.answeredIn === answeredIn);
    const places = here.map(({ place }) => place);
    shared.set(answeredIn, sharedRegion(places, scale));
  }
  return passes.map((pass) => {
    if (pass === null) return null;
    return 'place' in pass.region ? (shared.get(pass.region.answeredIn) ?? null) : pass.region;
  });
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
