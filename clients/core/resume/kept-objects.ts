import { MaskEncoding } from '../../../src/gen/maskstream/v1/common.ts';
import type { Mask, ObjectMask } from '../../../src/gen/maskstream/v1/common.ts';
import { Container, ResumeObject } from '../../../src/gen/maskstream/v1/video_request.ts';
import type {
  ResumeState,
  StreamConfig,
  VideoChunk,
} from '../../../src/gen/maskstream/v1/video_request.ts';
import { KeyframeReason } from '../../../src/gen/maskstream/v1/video_response.ts';
import type { FrameMasks } from '../../../src/gen/maskstream/v1/video_response.ts';
import type { KeptVideo } from './kept-video.ts';

/** A frame on which an object had a good mask. */
type Reference = {
  readonly frameIndex: number;
  readonly mask: Mask;
  /** Its access unit, which decodes by itself; empty where the whole video is sent again. */
  readonly chunks: readonly VideoChunk[];
};

/**
 * A mask stays where it was for some frames after its object is covered: it may serve as a reference
 * once a later keyframe still shows the object.
 */
type References = { proven: Reference | null; candidate: Reference | null };

/** What another server is told of the objects, and the pictures that go before the video. */
export type ObjectsAgain = {
  readonly objects: ResumeObject[];
  /** One access unit for each picture that the objects refer to by its place here. */
  readonly pictures: readonly (readonly VideoChunk[])[];
};

/** Of these, single access units can be put before others. */
const cuttable: ReadonlySet<Container> = new Set([
  Container.CONTAINER_H264_ANNEX_B,
  Container.CONTAINER_HEVC_ANNEX_B,
  Container.CONTAINER_IVF,
  Container.CONTAINER_MJPEG,
]);

/** Expected IoU from which a mask may stand for its object. */
const minReferenceConfidence = 0.5;

/**
 * The live objects as the newest answered frame has them, and for each the newest picture from which
 * a hidden one can be recognised: the frame of a random-access point on which it had a good mask.
 */
export class KeptObjects {
  readonly #config: StreamConfig;
  /** The whole video is sent again: every frame of it can be named. */
  rewinds = false;
  readonly #references = new Map<number, References>();
  #newest: FrameMasks | null = null;
  /** Of a going-away notice: masks too where the answers have none. */
  #handedOver: readonly ResumeObject[] | null = null;

  constructor(config: StreamConfig) {
    this.#config = config;
  }

  /** The newest answered frame, in the caller's count; null before the first. */
  get newest(): FrameMasks | null {
    return this.#newest;
  }

  /** Notes an answered frame. */
  take(masks: FrameMasks, video: KeptVideo): void {
    if (masks.frameIndex < (this.#newest?.frameIndex ?? -1)) return;
    this.#newest = masks;
    this.#handedOver = null;
    const chunks = this.#pictureOf(masks, video);
    for (const object of masks.objects) this.#refer(object, masks, chunks);
    const alive = new Set(masks.objects.map(({ objectId }) => objectId));
    for (const objectId of this.#references.keys()) {
      if (!alive.has(objectId)) this.#references.delete(objectId);
    }
  }

  /** Notes the state of a going-away notice, which belongs to the newest answered frame. */
  handOver(state: ResumeState | undefined): void {
    this.#handedOver = state?.objects ?? null;
  }

  /** What to tell another server; null where masks are needed and were never sent. */
  again(): ObjectsAgain | null {
    const objects = this.#newest?.objects ?? [];
    const withoutMasks = this.#config.maskEncoding === MaskEncoding.MASK_ENCODING_NONE;
    if (withoutMasks && objects.some(({ area }) => area > 0)) {
      return this.#handedOver && { objects: [...this.#handedOver], pictures: [] };
    }
    const hidden = objects.filter(({ mask }) => mask === undefined);
    const used = hidden.flatMap(({ objectId }) => this.#referenceOf(objectId) ?? []);
    const pictures = new Map(
      used
        .toSorted((a, b) => a.frameIndex - b.frameIndex)
        .map(({ frameIndex, chunks }) => [frameIndex, chunks]),
    );
    const place = this.rewinds
      ? (frameIndex: number) => frameIndex
      : (frameIndex: number) => [...pictures.keys()].indexOf(frameIndex);
    return {
      objects: objects.map((object) => this.#object(object, place)),
      pictures: this.rewinds ? [] : [...pictures.values()],
    };
  }

  #referenceOf(objectId: number): Reference | null {
    const { proven, candidate } = this.#references.get(objectId) ?? {};
    return proven ?? candidate ?? null;
  }

  #refer(
    { objectId, mask, confidence }: ObjectMask,
    { frameIndex, keyframeIndex = -1, keyframeReason }: FrameMasks,
    chunks: readonly VideoChunk[] | null,
  ): void {
    const known = this.#references.get(objectId) ?? { proven: null, candidate: null };
    this.#references.set(objectId, known);
    if (mask === undefined) {
      // Perhaps the candidate shows what covers it: better than nothing only.
      known.proven ??= known.candidate;
      known.candidate = null;
      return;
    }
    if (confidence < minReferenceConfidence) return;
    if (known.candidate !== null && keyframeIndex > known.candidate.frameIndex) {
      known.proven = known.candidate;
      known.candidate = null;
    }
    if (chunks === null) return;
    const made = { frameIndex, mask, chunks };
    // Somebody has just said where it is.
    if (keyframeReason === KeyframeReason.KEYFRAME_REASON_PROMPT) known.proven = made;
    else known.candidate ??= made;
  }

  /** Bytes of a frame's picture where it can serve as a reference; null where it cannot. */
  #pictureOf({ captureTimestampUs }: FrameMasks, video: KeptVideo): readonly VideoChunk[] | null {
    if (this.rewinds) return [];
    if (!cuttable.has(this.#config.container)) return null;
    return video.firstUnitOf(captureTimestampUs);
  }

  #object(
    { objectId, label, mask, state }: ObjectMask,
    place: (frameIndex: number) => number,
  ): ResumeObject {
    const reference = mask === undefined ? this.#referenceOf(objectId) : null;
    return ResumeObject.fromPartial({
      objectId,
      label,
      mask,
      state,
      reference:
        reference === null
          ? undefined
          : { frameIndex: place(reference.frameIndex), mask: reference.mask },
    });
  }
}
