import type { RunLengthMask } from '../../frame/coco-rle.ts';
import type { ErrorCode } from '../../frame/errors.ts';
import type { MaskEncoding } from '../../gen/maskstream/v1/common.ts';

/** A client's mask as it came: the bytes of a wire Mask, and the size that it says it has. */
export type EncodedMask = {
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array;
};

/** Work on one mask. */
export type MaskJob =
  | {
      readonly kind: 'read';
      /** A wire Mask. */
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly maxPixels: number;
      readonly maxBytes: number;
    }
  | {
      readonly kind: 'write';
      readonly mask: RunLengthMask;
      readonly encoding: MaskEncoding;
      readonly maxBytes: number;
    };

/** What a job gives: run lengths that were read, or the bytes of a wire Mask. */
export type MaskResult<K extends MaskJob['kind']> = K extends 'read'
  ? RunLengthMask
  : Uint8Array<ArrayBuffer>;

/** The answer of a mask worker. */
export type MaskReply =
  | { readonly kind: 'done'; readonly result: MaskResult<MaskJob['kind']> }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };
