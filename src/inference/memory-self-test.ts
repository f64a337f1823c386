import { SegmentationError } from '../frame/errors.ts';
import type { Box } from '../frame/geometry.ts';
import type { DecodeRequest, Features, ObjectMemory, Segmented } from '../frame/ports.ts';
import { fromBfloat16 } from './layouts/bfloat16.ts';
import type { LoadedModel } from './loaded-model.ts';

/** What is asked besides the manifest's own self-test. */
export type MemorySelfTestInput = { readonly box: Box; readonly signal: AbortSignal };

/**
 * Every path of a model's memory once, so that a graph that cannot run, or gives no numbers, stops
 * the load and no stream: each kind of prompt, then twice the memory alone, then a correction of it.
 * Throws `model-load-failed`.
 */
export async function selfTestMemory(
  model: LoadedModel,
  features: Features,
  { box, signal }: MemorySelfTestInput,
): Promise<void> {
  const nothing: DecodeRequest = { clicks: [], box: null, prior: null, memory: [] };
  const click = { x: box.x + box.width / 2, y: box.y + box.height / 2, label: 'positive' } as const;
  const step = async (what: string, request: DecodeRequest): Promise<ObjectMemory> => {
    const [answer] = await model.decode(features, [request], signal);
    checkAnswer(answer, `self-test of ${model.info.name}, ${what}`);
    return answer.objectMemory;
  };
  const clicked = { ...nothing, clicks: [click] };
  const given = { ...nothing, prior: boxMask(box, model.info.maskSide), isGiven: true };
  const known = await step('box', { ...nothing, box, objectMemory: null });
  await step('click', { ...clicked, objectMemory: null });
  await step('mask prompt', { ...given, objectMemory: null });
  const once = await step('memory of one keyframe', { ...nothing, objectMemory: known });
  const twice = await step('memory of two keyframes', { ...nothing, objectMemory: once });
  await step('correction', { ...clicked, objectMemory: twice });
}

function checkAnswer(
  answer: Segmented | undefined,
  what: string,
): asserts answer is Segmented & { readonly objectMemory: ObjectMemory } {
  const last = answer?.objectMemory?.traces.at(-1);
  if (answer === undefined || last?.map === undefined || last.map === null) {
    throw new SegmentationError('model-load-failed', `${what}: expected a memory, got none`);
  }
  const map = last.map instanceof Uint16Array ? asFloats(last.map) : last.map;
  const scores = Float32Array.of(answer.predictedIou, answer.presence);
  for (const [name, values] of Object.entries({ ...answer, ...last, map, scores })) {
    if (!(values instanceof Float32Array) || values.every(Number.isFinite)) continue;
    throw new SegmentationError('model-load-failed', `${what}: expected numbers in its ${name}`);
  }
}

function asFloats(halves: Uint16Array): Float32Array {
  return fromBfloat16(halves, new Float32Array(halves.length));
}

/** float32[side, side]: 1 inside a box. */
function boxMask({ x, y, width, height }: Box, side: number): Float32Array {
  return Float32Array.from({ length: side * side }, (_, cell) => {
    const column = ((cell % side) + 0.5) / side;
    const row = (Math.floor(cell / side) + 0.5) / side;
    return column >= x && column < x + width && row >= y && row < y + height ? 1 : 0;
  });
}
