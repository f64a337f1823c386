import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { maskRunLengths } from '../../frame/delivered-mask.ts';
import { MaskEncoding, ObjectMask } from '../../gen/maskstream/v1/common.ts';
import { SegmentImageResponse } from '../../gen/maskstream/v1/image.ts';
import { FrameMasks } from '../../gen/maskstream/v1/video_response.ts';
import type { FrameResult, ObjectResult } from '../../pipeline/session-types.ts';
import type { MaskJobOptions, MaskWorkers } from '../mask-workers/mask-workers.ts';
import { encodeFrame, encodeObject } from './response-encoder.ts';

/** How the masks of an answer are encoded, and for whom. */
export type MaskWriting = MaskJobOptions & {
  readonly encoding: MaskEncoding;
  readonly workers: MaskWorkers;
  /** Of one answer. */
  readonly maxBytes: number;
};

/** Tags of length-delimited fields: number << 3 | 2. */
const tags = {
  /** SegmentVideoResponse.masks */
  masks: (3 << 3) | 2,
  /** FrameMasks.objects */
  frameObject: (10 << 3) | 2,
  /** SegmentImageResponse.objects */
  imageObject: (4 << 3) | 2,
  /** ObjectMask.mask */
  objectMask: (6 << 3) | 2,
};

/** A SegmentVideoResponse with one frame; masks in other forms than run lengths come from a worker. */
export async function encodeFrameResponse(
  result: FrameResult,
  writing: MaskWriting,
): Promise<Uint8Array> {
  const objects = await encodeObjects(result.objects, writing);
  const frame = FrameMasks.encode(encodeFrame(result));
  for (const object of objects) frame.uint32(tags.frameObject).bytes(object);
  return new BinaryWriter().uint32(tags.masks).bytes(frame.finish()).finish();
}

/** A SegmentImageResponse, as {@link encodeFrameResponse}. */
export async function encodeImageResponse(
  response: Omit<SegmentImageResponse, 'objects'>,
  { objects }: FrameResult,
  writing: MaskWriting,
): Promise<Uint8Array> {
  const encoded = await encodeObjects(objects, writing);
  const answer = SegmentImageResponse.encode({ ...response, objects: [] });
  for (const object of encoded) answer.uint32(tags.imageObject).bytes(object);
  return answer.finish();
}

function encodeObjects(
  objects: readonly ObjectResult[],
  writing: MaskWriting,
): Promise<Uint8Array[]> {
  return Promise.all(objects.map((object) => encodeOne(object, writing)));
}

async function encodeOne(object: ObjectResult, writing: MaskWriting): Promise<Uint8Array> {
  const { encoding, workers, maxBytes, owner, signal } = writing;
  if (!needsPixels.has(encoding) || object.area === 0) {
    return ObjectMask.encode(encodeObject(object, encoding)).finish();
  }
  const plain = ObjectMask.encode(encodeObject(object, MaskEncoding.MASK_ENCODING_NONE));
  const mask = maskRunLengths(object.mask);
  if (mask === null) return plain.finish();
  const job = { kind: 'write', mask, encoding, maxBytes } as const;
  const encoded = await workers.run(job, { owner, signal });
  return plain.uint32(tags.objectMask).bytes(encoded).finish();
}

/** Forms that are made from pixels. */
const needsPixels: ReadonlySet<MaskEncoding> = new Set([
  MaskEncoding.MASK_ENCODING_PNG,
  MaskEncoding.MASK_ENCODING_BITMAP,
  MaskEncoding.MASK_ENCODING_POLYGONS,
]);
