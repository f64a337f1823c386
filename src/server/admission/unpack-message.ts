import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { SegmentationError } from '../../frame/errors.ts';

/** Bytes before the content of a gRPC message: a flag and the length. */
export const prefixBytes = 5;

/** Messages up to this are unpacked however small they were. */
const freeBytes = 1024 * 1024;

/**
 * Bytes of a piece of what is unpacked. zlib's own 16 KiB are cut from the allocator's arenas, a
 * hundred and more for one message, and what free ones leave there is not given back.
 */
const chunkSize = 256 * 1024;

/** What unpacking may give. */
export type UnpackLimits = {
  readonly maxBytes: number;
  /** Unpacked bytes for each packed one, from 1 MiB on. */
  readonly maxRatio: number;
};

/**
 * The content of a gRPC message, unpacked where its flag says so.
 *
 * @throws SegmentationError `request-too-large`, `malformed-message`.
 */
export async function unpackMessage(
  message: Buffer,
  encoding: string,
  { maxBytes, maxRatio }: UnpackLimits,
): Promise<Buffer> {
  const content = message.subarray(prefixBytes);
  const unpack = unpackers[encoding];
  if (unpack === undefined) {
    const known = Object.keys(unpackers).join(', ');
    const expected = `message must be packed as one of ${known}`;
    throw new SegmentationError('malformed-message', `${expected}, got ${encoding}`);
  }
  const maxOutputLength = Math.min(maxBytes, Math.max(freeBytes, content.length * maxRatio));
  try {
    return await unpack(content, { maxOutputLength, chunkSize });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new SegmentationError(
        'request-too-large',
        `message of ${content.length} packed bytes must unpack to at most ${maxOutputLength}, got more`,
      );
    }
    const expected = `message must be packed as ${encoding}`;
    throw new SegmentationError('malformed-message', `${expected}, got other bytes`, { cause });
  }
}

type UnpackOptions = { readonly maxOutputLength: number; readonly chunkSize: number };

const unpackers: Readonly<
  Record<string, ((bytes: Buffer, options: UnpackOptions) => Promise<Buffer>) | undefined>
> = { gzip: promisify(gunzip), deflate: promisify(inflate) };

/** @throws SegmentationError `malformed-message` where the content is no request of its method. */
export function tryDecode(content: Buffer, decode: (bytes: Buffer) => unknown): void {
  try {
    decode(content);
  } catch (cause) {
    const message = 'message must be a request of this method, got other bytes';
    throw new SegmentationError('malformed-message', message, { cause });
  }
}
