import type { ServerDuplexStream } from '@grpc/grpc-js';
import { SegmentationServiceService } from '../gen/maskstream/v1/segmentation_service.ts';
import { SegmentVideoRequest } from '../gen/maskstream/v1/video_request.ts';

/** A request as it came: bytes that are no SegmentVideoRequest are the stream's error, not gRPC's. */
export type ReceivedRequest =
  | { readonly kind: 'request'; readonly request: SegmentVideoRequest }
  | { readonly kind: 'malformed'; readonly cause: unknown };

/** A SegmentVideo call; responses are serialized by the writer, which counts their bytes. */
export type VideoCall = ServerDuplexStream<ReceivedRequest, Buffer>;

/**
 * The service as the server registers it. Left to itself, grpc-js answers an undecodable message
 * with INTERNAL at once and drops the results that are still queued.
 */
export const servedService = {
  ...SegmentationServiceService,
  segmentVideo: {
    ...SegmentationServiceService.segmentVideo,
    requestSerialize: (): Buffer => {
      throw new Error('the server sends no requests');
    },
    requestDeserialize: (bytes: Buffer): ReceivedRequest => {
      try {
        return { kind: 'request', request: SegmentVideoRequest.decode(bytes) };
      } catch (cause) {
        return { kind: 'malformed', cause };
      }
    },
    responseSerialize: (bytes: Buffer): Buffer => bytes,
    responseDeserialize: (bytes: Buffer): Buffer => bytes,
  },
};
