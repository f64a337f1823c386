import { sameSize } from '../frame/geometry.ts';
import type { Size } from '../frame/geometry.ts';
import type { DescribedFrame, StreamHeader } from './answered-frame.ts';

/** First line of `frames.json`; frames follow one a line, joined by commas. */
export function framesJsonHead(header: StreamHeader): string {
  const { width, height, model } = header;
  const head = JSON.stringify({ version: 1, width, height, model });
  return `${head.slice(0, -1)},"frames":[`;
}

/**
 * One frame as it stands in `frames.json`: numbers are numbers, absent is null.
 *
 * @param head size of the first frame: a frame of another size states its own
 */
export function framesJsonEntry(frame: DescribedFrame, head: Size): string {
  const { width, height } = frame.size;
  return JSON.stringify({
    frame_index: frame.frameIndex,
    timestamp_us: frame.timestampUs,
    ...(sameSize(frame.size, head) ? {} : { width, height }),
    source: frame.source,
    reason: frame.reason,
    objects: frame.objects.map((object) => ({
      object_id: object.objectId,
      label: object.label,
      state: object.state,
      box:
        object.box === null
          ? null
          : [object.box.x, object.box.y, object.box.width, object.box.height],
      area: object.area,
      predicted_iou: object.predictedIou === null ? null : round(object.predictedIou),
      confidence: round(object.confidence),
      presence: object.presence === null ? null : round(object.presence),
    })),
  });
}

/** Last line of `frames.json`. */
export const framesJsonTail = '\n]}\n';

/** The wire carries 32-bit floats; more digits than they hold would only look exact. */
function round(score: number): number {
  return Math.round(score * 1e6) / 1e6;
}
