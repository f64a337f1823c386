import { VideoChunk } from '../../src/gen/maskstream/v1/video_request.ts';

/** Extras of bytes that start an access unit. */
export type ChunkOptions = {
  /** Decoding can begin here: what comes before need not be sent again after a lost connection. */
  readonly randomAccess?: boolean;
  /** The sender's clock at capture, in microseconds; echoed in the frame's answer. */
  readonly captureTimestampUs?: number;
  /** The bytes are one whole access unit: raw H.264 and HEVC are then answered a frame earlier. */
  readonly endsAccessUnit?: boolean;
};

/** Default size of a chunk: large messages delay what is queued behind them; every server takes it. */
export const defaultMaxChunkBytes = 64 * 1024;

/** Encoded bytes as chunks of at most `maxBytes`. */
export function* videoChunks(
  bytes: Uint8Array,
  { endsAccessUnit, ...start }: ChunkOptions = {},
  maxBytes: number = defaultMaxChunkBytes,
): Generator<VideoChunk, void, undefined> {
  for (let from = 0; from < bytes.length; from += maxBytes) {
    const isLast = from + maxBytes >= bytes.length;
    yield VideoChunk.fromPartial({
      data: bytes.subarray(from, from + maxBytes),
      // Only the first piece starts the access unit, and only the last one ends it.
      ...(from === 0 ? start : {}),
      ...(isLast && endsAccessUnit === true ? { endsAccessUnit } : {}),
    });
  }
}
