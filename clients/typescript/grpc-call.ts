import type { ClientDuplexStream, StatusObject } from '@grpc/grpc-js';
import { Metadata, type ServiceError, status as codes } from '@grpc/grpc-js';
import type { SegmentVideoRequest } from '../../src/gen/maskstream/v1/video_request.ts';
import type { SegmentVideoResponse } from '../../src/gen/maskstream/v1/video_response.ts';
import type { CallEnd, OpenVideoCall, VideoCall } from '../core/video-call.ts';
import { sentErrorCode, sentRetryAfterMs } from './errors.ts';

type Stream = ClientDuplexStream<SegmentVideoRequest, SegmentVideoResponse>;

/** A SegmentVideo call over gRPC, as clients share it. */
export function openGrpcCall(open: () => Stream): OpenVideoCall {
  return ({ onResponse, onEnd, onSent }) => {
    const stream = openOrEnd(open, onEnd);
    if (stream === null) return closedCall;
    let bufferedBytes = 0;
    let isCancelled = false;
    let error: ServiceError | null = null;
    let status: StatusObject | null = null;
    stream.on('data', (response: SegmentVideoResponse) => {
      if (!isCancelled) onResponse(response);
    });
    stream.on('error', (reason: ServiceError) => (error = reason));
    stream.on('status', (last: StatusObject) => {
      status = last;
      // It overtakes messages that were read and not taken: at most 16, so take them all.
      stream.resume();
    });
    stream.on('end', () => {
      if (isCancelled) return;
      const { code = 0, details = '', metadata } = error ?? status ?? {};
      onEnd({
        code,
        message: details,
        errorCode: sentErrorCode(metadata),
        retryAfterMs: sentRetryAfterMs(metadata),
        cause: error,
      });
    });
    return {
      send(message) {
        const bytes = message.message?.$case === 'chunk' ? message.message.value.data.length : 0;
        bufferedBytes += bytes;
        stream.write(message, () => {
          bufferedBytes -= bytes;
          onSent?.();
        });
      },
      get bufferedBytes() {
        return bufferedBytes;
      },
      end: () => stream.end(),
      cancel() {
        isCancelled = true;
        stream.cancel();
        // grpc-js (1.14.7) opens a call that is cancelled in the turn in which it was made all the
        // same, and then leaves it open.
        setImmediate(() => stream.cancel());
      },
      // After the status nothing more comes than what is here already.
      pause: () => void (status === null && stream.pause()),
      resume: () => stream.resume(),
    };
  };
}

/** gRPC throws where its client was closed: an end like any other, and the last one. */
function openOrEnd(open: () => Stream, onEnd: (end: CallEnd) => void): Stream | null {
  try {
    return open();
  } catch (reason) {
    const message = reason instanceof Error ? reason.message : String(reason);
    const known = { code: codes.UNAVAILABLE, details: message, metadata: new Metadata() };
    const cause: ServiceError = Object.assign(new Error(message, { cause: reason }), known);
    queueMicrotask(() => onEnd({ ...known, message, errorCode: 'stream-over', cause }));
    return null;
  }
}

const closedCall: VideoCall = { send() {}, bufferedBytes: 0, end() {}, cancel() {} };
