import { createReadStream } from 'node:fs';
import type { Frame } from '../frame/frame.ts';
import type { Mask } from '../frame/mask.ts';
import { maskToBitmap } from '../frame/mask.ts';
import type { Decode, DecodeRequest, Segmenter } from '../frame/ports.ts';
import { readTrueMasks, type Clip } from './clips.ts';
import { distancePeak } from './distance-peak.ts';
import { regionIou } from './region-iou.ts';

/** One answer of a model to a prompt made from a true mask. */
export type ScoredAnswer = {
  readonly clip: string;
  readonly prompt: 'click' | 'box';
  /** The model's expectation of its own mask, as it gave it. */
  readonly predictedIou: number;
  /** IoU with the true mask, at the picture's display size. */
  readonly iou: number;
};

/** Frames of a clip that are asked about, spread evenly: neighbours say the same. */
const framesPerClip = 12;

/**
 * Asks a model for each true mask of a clip by its box and by a click in its middle, on frames spread
 * over the clip, each by itself.
 */
export async function scoreClip(
  clip: Clip,
  parts: {
    readonly model: Segmenter;
    readonly decode: Decode;
    readonly signal: AbortSignal;
  },
): Promise<ScoredAnswer[]> {
  const { model, decode, signal } = parts;
  const wanted = spread([...clip.maskFiles.keys()], framesPerClip);
  const answers: ScoredAnswer[] = [];
  const options = { container: 'mp4', frameRate: null, signal } as const;
  for await (const event of decode(createReadStream(clip.videoFile), options)) {
    if (event.kind !== 'frame') continue;
    using frame = event.frame;
    const file = wanted.has(frame.index) ? clip.maskFiles.get(frame.index) : undefined;
    if (file === undefined) continue;
    const { objects } = await readTrueMasks(file, frame.display);
    for (const mask of objects.values()) {
      answers.push(...(await scoreObject(clip.name, { frame, mask, model, signal })));
    }
  }
  return answers;
}

async function scoreObject(
  clip: string,
  what: {
    readonly frame: Frame;
    readonly mask: Mask;
    readonly model: Segmenter;
    readonly signal: AbortSignal;
  },
): Promise<ScoredAnswer[]> {
  const { frame, mask, model, signal } = what;
  const truth = maskToBitmap(mask);
  const { width, height } = mask.size;
  const peak = distancePeak(truth, mask.size);
  if (mask.box === null || peak === null) return [];
  const box = {
    x: mask.box.x / width,
    y: mask.box.y / height,
    width: mask.box.width / width,
    height: mask.box.height / height,
  };
  const click = {
    x: (peak.x + 0.5) / width,
    y: (peak.y + 0.5) / height,
    label: 'positive',
  } as const;
  const requests: [ScoredAnswer['prompt'], DecodeRequest][] = [
    ['box', { clicks: [], box, prior: null, memory: [] }],
    ['click', { clicks: [click], box: null, prior: null, memory: [] }],
  ];
  using features = await model.encode(frame, signal);
  const answers: ScoredAnswer[] = [];
  for (const [prompt, request] of requests) {
    const [found] = await model.decode(features, [request], signal);
    if (found === undefined) continue;
    const predicted = stretched(found.logits, model.info.maskSide, mask.size);
    const { predictedIou } = found;
    answers.push({ clip, prompt, predictedIou, iou: regionIou(predicted, truth) });
  }
  return answers;
}

/** 1 where the logits of a square are positive, at a picture's size, nearest neighbour. */
function stretched(logits: Float32Array, side: number, size: Mask['size']): Uint8Array {
  const { width, height } = size;
  const bitmap = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * side) / height) * side;
    for (let x = 0; x < width; x++) {
      const logit = logits[row + Math.floor(((x + 0.5) * side) / width)]!;
      bitmap[y * width + x] = logit > 0 ? 1 : 0;
    }
  }
  return bitmap;
}

/** At most `count` of ascending values, evenly spread. */
function spread(values: readonly number[], count: number): ReadonlySet<number> {
  if (values.length <= count) return new Set(values);
  const step = (values.length - 1) / (count - 1);
  return new Set(Array.from({ length: count }, (_, i) => values[Math.round(i * step)]!));
}
