import type { ServerDuplexStream, ServerUnaryCall } from '@grpc/grpc-js';
import type { ListModelsResponse } from '../gen/maskstream/v1/model.ts';
import { SegmentationServiceService } from '../gen/maskstream/v1/segmentation_service.ts';
import type {
  ImageMessage,
  Received,
  RequestParser,
  VideoMessage,
} from './requests/received-request.ts';

/** A SegmentVideo call; responses are serialized by the writer, which counts their bytes. */
export type VideoCall = ServerDuplexStream<Received<VideoMessage>, Buffer>;

/** A SegmentImage call; the response is serialized by its handler. */
export type ImageCall = ServerUnaryCall<Received<ImageMessage>, Buffer>;

/** A ListModels call. */
export type ModelsCall = ServerUnaryCall<Received<null>, ListModelsResponse>;

const serializedHere = {
  requestSerialize: (): Buffer => {
    throw new Error('the server sends no requests');
  },
  responseSerialize: (bytes: Buffer): Buffer => bytes,
  responseDeserialize: (bytes: Buffer): Buffer => bytes,
};

/**
 * The service as the server registers it. Left to itself, grpc-js builds whatever a message asks
 * for, answers an undecodable one with INTERNAL at once, and drops the results that are queued.
 */
export function serviceWith(parser: RequestParser) {
  const { segmentVideo, segmentImage, listModels } = SegmentationServiceService;
  return {
    segmentVideo: {
      ...segmentVideo,
      ...serializedHere,
      requestDeserialize: (bytes: Buffer) => parser.video(bytes),
    },
    segmentImage: {
      ...segmentImage,
      ...serializedHere,
      requestDeserialize: (bytes: Buffer) => parser.image(bytes),
    },
    listModels: {
      ...listModels,
      requestSerialize: serializedHere.requestSerialize,
      requestDeserialize: (bytes: Buffer) => parser.empty(bytes, 'ListModelsRequest'),
    },
  };
}
