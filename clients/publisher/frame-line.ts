import { framesJsonEntry } from '../../src/formats/frames-json.ts';
import type { Mask } from '../typescript/index.ts';
import type { PublishedFrame } from './camera/receive-answers.ts';

/** What a line holds beside the frame as `frames.json` has it. */
export type LineOptions = {
  /** Name of the camera, where there are several; null leaves it out. */
  readonly input: string | null;
  /** COCO run lengths of every object. */
  readonly masks: boolean;
};

/** A frame as one line of JSON, with its end. */
export function frameLine(
  { frame, captureClock, masks }: PublishedFrame,
  { input, masks: withMasks }: LineOptions,
): string {
  const entry = framesJsonEntry(frame, frame.size);
  const more = {
    capture_timestamp_us: frame.captureTimestampUs,
    capture_clock: captureClock,
    frames_dropped_before: frame.framesDroppedBefore,
    width: frame.size.width,
    height: frame.size.height,
    ...(withMasks ? { masks: masks.objects.map(({ mask }) => runLengths(mask)) } : {}),
  };
  const head = input === null ? '{' : `{"input":${JSON.stringify(input)},`;
  return `${head}${entry.slice(1, -1)},${JSON.stringify(more).slice(1)}\n`;
}

/** As pycocotools has it; null where there is none. In the order of the objects. */
function runLengths(mask: Mask | undefined) {
  if (mask?.data?.$case !== 'cocoRle') return null;
  const { width, height, data } = mask;
  return { size: [height, width], counts: Buffer.from(data.value.counts).toString('latin1') };
}
