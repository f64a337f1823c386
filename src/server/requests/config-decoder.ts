import type { Container } from '../../frame/container.ts';
import { SegmentationError } from '../../frame/errors.ts';
import type { ModelInfo } from '../../frame/model.ts';
import { MaskEncoding } from '../../gen/maskstream/v1/common.ts';
import type * as wire from '../../gen/maskstream/v1/video_request.ts';
import { Container as WireContainer } from '../../gen/maskstream/v1/video_request.ts';
import type { KeyframeOptions, SessionOptions } from '../../pipeline/session-types.ts';
import type { ReadMask } from './prompt-decoder.ts';
import type { VideoMessage } from './received-request.ts';
import { decodeResume } from './resume-decoder.ts';
import { type ServerLimits, sessionLimits } from '../server-limits.ts';
import { containerFromWire, deliveryFromWire, overlapFromWire } from '../wire-enums.ts';

const maxIntervalFrames = 1000;
const maxFrameRate = 1000;

/** What a StreamConfig asks for, checked and with defaults filled in. */
export type DecodedConfig = {
  readonly model: ModelInfo;
  readonly maskEncoding: MaskEncoding;
  readonly session: Omit<SessionOptions, 'signal' | 'goingAway'>;
};

/** What a StreamConfig is checked against. */
export type ConfigContext = {
  readonly models: readonly ModelInfo[];
  readonly limits: ServerLimits;
  readonly readMask: ReadMask;
};

/**
 * Checks a StreamConfig.
 *
 * @throws SegmentationError `invalid-config`, `unknown-model`, `frame-too-large`,
 *   `request-too-large`.
 */
export async function decodeConfig(
  { config, resume }: Extract<VideoMessage, { kind: 'config' }>,
  { models, limits, readMask }: ConfigContext,
): Promise<DecodedConfig> {
  const container = checkContainer(config.container);
  const delivery = deliveryFromWire[config.delivery];
  if (delivery === undefined) {
    throw invalid(`delivery must be EVERY_FRAME or LATEST, got ${config.delivery}`);
  }
  const model = findModel(config.model, models);
  const frameRate = checkFrameRate(config.frameRate);
  if (container === 'mjpeg' && frameRate === null) {
    throw invalid('frame_rate must be given with MJPEG, got none');
  }
  if (delivery === 'latest' && config.maxUnseenFrames > 0) {
    throw invalid(
      `max_unseen_frames is for EVERY_FRAME, got ${config.maxUnseenFrames} with LATEST`,
    );
  }
  const maskEncoding = checkMaskEncoding(config.maskEncoding);
  return {
    model,
    maskEncoding,
    session: {
      container,
      delivery,
      overlap: checkOverlap(config.overlap),
      keyframes: decodeKeyframes(config.keyframes, model),
      frameRate,
      expectedSize: checkExpectedSize(config, limits.maxFramePixels),
      maskLongSide: config.maskLongSide === 0 ? null : config.maskLongSide,
      minMaskRegionArea: checkRegionArea(config.minMaskRegionArea, limits.maxFramePixels),
      // Small on its way between threads; a worker makes other forms of it.
      maskForm: 'coco-rle',
      maxUnseenFrames: config.maxUnseenFrames,
      resume: resume && (await decodeResume(resume, { model, limits, readMask })),
      limits: sessionLimits(limits),
    },
  };
}

function checkContainer(number: wire.Container): Container {
  const container = containerFromWire[number];
  if (container !== undefined) return container;
  if (number === WireContainer.CONTAINER_UNSPECIFIED) {
    throw invalid(`container must be declared, got ${number}`);
  }
  const known = Object.keys(containerFromWire).map(
    (key) => `${key} ${WireContainer[Number(key)]?.replace('CONTAINER_', '')}`,
  );
  throw invalid(
    `container must be a number that this version knows (${known.join(', ')}), got ${number}, which is unknown`,
  );
}

/** @throws SegmentationError `unknown-model`. An empty name means the first model. */
export function findModel(name: string, models: readonly ModelInfo[]): ModelInfo {
  const found = name === '' ? models[0] : models.find((model) => model.name === name);
  if (found !== undefined) return found;
  const known = models.map((model) => model.name).join(', ');
  throw new SegmentationError('unknown-model', `model must be one of ${known}, got ${quote(name)}`);
}

/** @throws SegmentationError `invalid-config` for a number that is no MaskEncoding. */
export function checkMaskEncoding(encoding: MaskEncoding): MaskEncoding {
  if (encoding === MaskEncoding.MASK_ENCODING_UNSPECIFIED) {
    return MaskEncoding.MASK_ENCODING_COCO_RLE;
  }
  if (MaskEncoding[encoding] !== undefined) return encoding;
  throw invalid(`mask_encoding must be a MaskEncoding, got ${encoding}`);
}

/** @throws SegmentationError `invalid-config` for a number that is no OverlapRule. */
export function checkOverlap(rule: number): SessionOptions['overlap'] {
  const overlap = overlapFromWire[rule];
  if (overlap !== undefined) return overlap;
  throw invalid(`overlap must be DISJOINT or INDEPENDENT, got ${rule}`);
}

/** @throws SegmentationError `invalid-config` where it is more than a whole picture. */
export function checkRegionArea(pixels: number, maxFramePixels: number): number {
  if (pixels <= maxFramePixels) return pixels;
  throw invalid(`min_mask_region_area must be at most ${maxFramePixels} pixels, got ${pixels}`);
}

function checkFrameRate(frameRate: number | undefined): number | null {
  if (frameRate === undefined) return null;
  if (frameRate > 0 && frameRate <= maxFrameRate) return frameRate;
  throw invalid(`frame_rate must be above 0 and at most ${maxFrameRate}, got ${frameRate}`);
}

function checkExpectedSize(
  { width, height }: wire.StreamConfig,
  maxFramePixels: number,
): SessionOptions['expectedSize'] {
  if (width === 0 || height === 0) throw invalid('width and height must be above 0, got 0');
  if ((width ?? 1) * (height ?? 1) > maxFramePixels) {
    throw new SegmentationError(
      'frame-too-large',
      `picture must have at most ${maxFramePixels} pixels, got ${width ?? '?'} x ${height ?? '?'}`,
    );
  }
  return { width: width ?? null, height: height ?? null };
}

export function decodeKeyframes(
  options: wire.KeyframeOptions | undefined,
  model: ModelInfo,
): KeyframeOptions {
  const policy = options?.policy;
  if (policy?.$case === 'fixedInterval') {
    const intervalFrames = policy.value;
    if (intervalFrames >= 1 && intervalFrames <= maxIntervalFrames) {
      return { kind: 'fixed', intervalFrames };
    }
    throw invalid(`fixed_interval must be 1..${maxIntervalFrames}, got ${intervalFrames}`);
  }
  const { minInterval, maxInterval, minConfidence } = policy?.value ?? {};
  const maxIntervalOrDefault = maxInterval || model.keyframes.maxInterval;
  const minIntervalOrDefault =
    minInterval || Math.min(model.keyframes.minInterval, maxIntervalOrDefault);
  if (minIntervalOrDefault > maxIntervalOrDefault) {
    throw invalid(
      `min_interval must be at most max_interval (${maxIntervalOrDefault}), got ${minIntervalOrDefault}`,
    );
  }
  if (minConfidence !== undefined && !(minConfidence >= 0 && minConfidence <= 1)) {
    throw invalid(`min_confidence must be 0..1, got ${minConfidence}`);
  }
  return {
    kind: 'adaptive',
    minIntervalFrames: minIntervalOrDefault,
    maxIntervalFrames: maxIntervalOrDefault,
    intervalsAreTimes: !minInterval && !maxInterval,
    minConfidence: minConfidence ?? model.keyframes.minConfidence,
  };
}

function quote(name: string): string {
  return JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}...` : name);
}

function invalid(message: string): SegmentationError {
  return new SegmentationError('invalid-config', message);
}
