import type { LimitInfo } from '../../gen/maskstream/v1/video_response.ts';
import { maxRunLengthBytes } from '../mask-workers/read-mask.ts';
import type { ServerLimits } from '../server-limits.ts';

/** What the server accepts, as clients are told. */
export function encodeLimits(limits: ServerLimits): LimitInfo {
  return {
    maxRequestBytes: limits.maxRequestBytes,
    maxResponseBytes: limits.maxResponseBytes,
    maxChunkBytes: limits.maxChunkBytes,
    maxObjects: limits.maxObjects,
    maxPoints: limits.maxPoints,
    maxPendingPrompts: limits.maxPendingPrompts,
    maxFramePixels: limits.maxFramePixels,
    lostAfterUs: limits.lostAfterUs,
    maxRequestElements: limits.maxRequestElements,
    maxRequestMaskPixels: limits.maxRequestMaskPixels,
    maxUnpackRatio: limits.maxUnpackRatio,
    maxConnectionBytes: limits.maxConnectionBytes,
    requestTimeoutMs: limits.requestTimeoutMs,
    minRequestBytesPerSecond: limits.minRequestBytesPerSecond,
    maxImagePixels: limits.maxImagePixels,
    maxPendingBytes: limits.maxPendingBytes,
    maxMaskBytes: maxRunLengthBytes,
    maxFramesAhead: limits.maxFramesAhead,
    maxReplayedFrames: limits.maxReplayedFrames,
    replayedFramesPerSecond: limits.replayedFramesPerSecond,
    maxStreams: limits.maxStreams,
    maxQuietMs: limits.maxQuietMs,
    idleTimeoutMs: limits.idleTimeoutMs,
    maxConnections: limits.maxConnections,
    connectionIdleMs: limits.connectionIdleMs,
  };
}
