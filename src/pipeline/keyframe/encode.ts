import type { Frame } from '../../frame/frame.ts';
import { wholePicture, type Box } from '../../frame/geometry.ts';
import type { DecodeRequest, Features, Segmenter } from '../../frame/ports.ts';
import { memoryOf, type ObjectRecord } from '../prompts/object-record.ts';
import type { StageClock } from '../stage-clock.ts';
import type { FeatureBank } from './feature-bank.ts';
import type { PrefetchedFeatures } from './prefetch.ts';

/** What segmenting a keyframe needs besides the objects. */
export type KeyframeContext = {
  readonly segmenter: Segmenter;
  readonly bank: FeatureBank;
  /** Encoder runs that were begun before the frame's turn. */
  readonly prefetched: PrefetchedFeatures;
  readonly clock: StageClock;
  readonly signal: AbortSignal;
  /** Whether flip passes are run; asked when one is due. */
  readonly mayFlip: () => boolean;
  /** Called for each encoder run. */
  readonly onEncode: () => void;
};

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

/** The earlier frames that the decoder is shown for an object, as far as their features are held. */
export function memoryRequests(
  record: ObjectRecord,
  { segmenter, bank }: KeyframeContext,
): DecodeRequest['memory'] {
  return memoryOf(record)
    .slice(0, segmenter.info.memorySlots)
    .flatMap((entry) => {
      const features = bank.get(entry);
      return features ? [{ features, mask: entry.mask }] : [];
    });
}
