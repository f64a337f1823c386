import type { Box, Size } from '../frame/geometry.ts';
import type { Mask } from '../frame/mask.ts';
import type { KeyframeReason, ObjectState } from '../frame/prompt.ts';

/** What an answer says of one object beside its mask. */
export type DescribedObject = {
  readonly objectId: number;
  readonly label: string | null;
  readonly state: ObjectState;
  readonly box: Box | null;
  readonly area: number;
  readonly predictedIou: number | null;
  readonly confidence: number;
  /** Null before the object's first keyframe, and from servers that do not say. */
  readonly presence: number | null;
};

/** One object of an answer, masks decoded. */
export type AnsweredObject = DescribedObject & { readonly mask: Mask };

/** One frame as the service answered it, without its masks. */
export type DescribedFrame = {
  /** Display size of this frame and its masks: a stream may change it. */
  readonly size: Size;
  readonly frameIndex: number;
  readonly timestampUs: number;
  readonly source: 'keyframe' | 'propagated';
  readonly reason: KeyframeReason | null;
  readonly keyframeIndex: number | null;
  readonly framesDroppedBefore: number;
  /** From decoding to the answer, in microseconds of the server's clock. */
  readonly totalUs: number;
  readonly captureTimestampUs: number | null;
  readonly objects: readonly DescribedObject[];
};

/** One frame as the service answered it. */
export type AnsweredFrame = Omit<DescribedFrame, 'objects'> & {
  readonly objects: readonly AnsweredObject[];
};

/** What is known before the first frame. */
export type StreamHeader = {
  readonly width: number;
  readonly height: number;
  readonly model: string;
  /** Frames a second; null where nobody says so. */
  readonly frameRate: number | null;
};

/** Where frames go. `open` first, frames in order, then `close`, or `discard` after a failure. */
export type Output = {
  open(header: StreamHeader): Promise<void>;
  write(frame: AnsweredFrame): Promise<void>;
  /** Completes the files. */
  close(): Promise<void>;
  /** Ends after a failure: keeps complete files of what came, removes half-written ones. */
  discard(): Promise<void>;
};
