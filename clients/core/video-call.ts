import type { SegmentVideoRequest } from '../../src/gen/maskstream/v1/video_request.ts';
import type { SegmentVideoResponse } from '../../src/gen/maskstream/v1/video_response.ts';

/** How a call ended, whatever carried it. */
export type CallEnd = {
  /** gRPC status code; 0 is OK. */
  readonly code: number;
  readonly message: string;
  /** The server's own code (docs/errors.md); null where the end did not come from the server. */
  readonly errorCode: string | null;
  /** When the server says that it is worth while to try again, in milliseconds. Default: null. */
  readonly retryAfterMs?: number | null;
  /** The transport's own error, where it has one. */
  readonly cause?: unknown;
};

/** What a call tells its owner; nothing comes after `onEnd`. */
export type VideoCallEvents = {
  readonly onResponse: (response: SegmentVideoResponse) => void;
  readonly onEnd: (end: CallEnd) => void;
  /** Bytes have left: `bufferedBytes` fell. Not every transport knows. */
  readonly onSent?: () => void;
};

/** One SegmentVideo call, over gRPC or a WebSocket. */
export type VideoCall = {
  /** Sends a message; queued while the peer is slow, see `bufferedBytes`. */
  send(request: SegmentVideoRequest): void;
  /** Bytes that were sent and have not left. */
  readonly bufferedBytes: number;
  /** No more messages; answers go on to their end. */
  end(): void;
  /** Drops the call at once; `onEnd` does not follow. */
  cancel(): void;
  /** Reads no more answers until `resume`. Not every transport can. */
  pause?(): void;
  resume?(): void;
};

/** Opens a call. Failing to connect is an end like any other. */
export type OpenVideoCall = (events: VideoCallEvents) => VideoCall;
