import type { DecodeRequest, ObjectMemory } from '../frame/ports.ts';
import { goldenIou, goldenPicture } from './golden-picture.ts';
import type { LoadedModel } from './loaded-model.ts';

/** Frames of the generated clip: a bank of seven maps is full on the last. */
export const goldenMemoryFrames = 8;

/** The box's frame, one by its memory, and one by the memory that this one made. */
export const leastMemoryFrames = 3;

/** Pixels that the ellipse moves from frame to frame. */
const stepPixels = { x: 9, y: 4 };

/** What was said of each frame. */
export type GoldenMemory = readonly {
  /** float32[side * side]. */
  readonly logits: Float32Array;
  /** IoU with the generated object's true mask. */
  readonly iou: number;
}[];

/**
 * What a model with a memory of its own says of the generated object while it moves: asked for by its
 * box on the first frame, by memory alone on the others.
 *
 * @param frames how many of the clip
 * @param onFrame called after each
 */
export async function goldenMemory(
  model: LoadedModel,
  seed: number,
  {
    frames = goldenMemoryFrames,
    onFrame,
    signal,
  }: {
    readonly frames?: number;
    readonly onFrame?: () => void;
    readonly signal: AbortSignal;
  },
): Promise<GoldenMemory> {
  const said: { logits: Float32Array; iou: number }[] = [];
  let objectMemory: ObjectMemory | null = null;
  for (let t = 0; t < frames; t++) {
    const shift = { x: t * stepPixels.x, y: t * stepPixels.y };
    const { frame, box, truth } = goldenPicture(seed, shift);
    using picture = frame;
    using features = await model.encode(picture, signal);
    const nothing: DecodeRequest = { clicks: [], box: null, prior: null, memory: [], objectMemory };
    const request = t === 0 ? { ...nothing, box } : nothing;
    const [found] = await model.decode(features, [request], signal);
    if (found?.objectMemory === undefined) throw new Error('the decoder gave no memory');
    ({ objectMemory } = found);
    const logits = Float32Array.from(found.logits);
    said.push({ logits, iou: goldenIou(logits, model.info.maskSide, truth) });
    onFrame?.();
  }
  return said;
}
