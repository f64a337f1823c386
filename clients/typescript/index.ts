export { connect } from './connect.ts';
export type {
  CallBounds,
  ConnectOptions,
  ResumeSettings,
  SegmentationClient,
  StreamBounds,
} from './connect.ts';
export { decodeMask } from './decode-mask.ts';
export type { DecodedMask } from './decode-mask.ts';
export { MaskstreamError } from '../core/maskstream-error.ts';
export { CallFailed, clientErrorCodes, PromptRejected } from './errors.ts';
export type { StatusName } from './errors.ts';
export type {
  ClickOptions,
  ContainerName,
  ImageOptions,
  MaskEncodingName,
  MaskOptions,
  ObjectPrompts,
  PromptOptions,
  VideoConfig,
} from '../core/requests.ts';
export { VideoStream } from './video-stream.ts';
export type { ChunkOptions } from '../core/video-chunks.ts';
export type { BackOff, Clock } from '../core/resume/back-off.ts';
export type { Resumed } from '../core/resume/resumable-call.ts';
export type { VideoPiece, VideoPieces } from './video-sender.ts';
export type { VideoResult, VideoStreamOptions } from './video-stream.ts';
export { MaskEncoding, ObjectState } from '../../src/gen/maskstream/v1/common.ts';
export type { Box, Mask, ObjectMask } from '../../src/gen/maskstream/v1/common.ts';
export type { SegmentImageResponse } from '../../src/gen/maskstream/v1/image.ts';
export { PromptKind } from '../../src/gen/maskstream/v1/model.ts';
export type { Model } from '../../src/gen/maskstream/v1/model.ts';
export type { ResumeState } from '../../src/gen/maskstream/v1/video_request.ts';
export {
  KeyframeReason,
  MaskSource,
  NoticeKind,
} from '../../src/gen/maskstream/v1/video_response.ts';
export type {
  FrameMasks,
  Notice,
  PromptAck,
  StreamInfo,
  StreamSummary,
} from '../../src/gen/maskstream/v1/video_response.ts';
