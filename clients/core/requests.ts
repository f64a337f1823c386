import { MaskEncoding, OverlapRule, PointLabel } from '../../src/gen/maskstream/v1/common.ts';
import type { Box, Mask } from '../../src/gen/maskstream/v1/common.ts';
import { ImagePrompt, SegmentImageRequest } from '../../src/gen/maskstream/v1/image.ts';
import { Container, Delivery, PromptAction } from '../../src/gen/maskstream/v1/video_request.ts';
import {
  KeyframeOptions,
  PromptUpdate,
  type ResumeState,
  StreamConfig,
} from '../../src/gen/maskstream/v1/video_request.ts';
import { MaskstreamError } from './maskstream-error.ts';

/** Form of the encoded video. */
export type ContainerName = keyof typeof containers;

/** Form of the masks in answers; `none` sends boxes, areas and scores only. */
export type MaskEncodingName = keyof typeof maskEncodings;

/** One click in display pixels. Default label: positive. */
export type ClickOptions = {
  readonly x: number;
  readonly y: number;
  readonly label?: 'positive' | 'negative';
};

/** Form and ownership of the masks in answers. */
export type MaskOptions = {
  /** Default: the server's first model. */
  readonly model?: string;
  /** Default: `coco-rle`. */
  readonly maskEncoding?: MaskEncodingName;
  /** Who owns a pixel that two objects claim. Default: `disjoint`. */
  readonly overlap?: 'disjoint' | 'independent';
  /** Islands and holes of fewer pixels are dropped and filled. Default: 0, none. */
  readonly minMaskRegionArea?: number;
};

/** How a video is to be segmented. */
export type VideoConfig = MaskOptions & {
  readonly container: ContainerName;
  /** `every-frame` drops nothing; `latest` stays young and counts what it skips. */
  readonly delivery: 'every-frame' | 'latest';
  /** Longest side of the masks in answers, in pixels. Default: display size. */
  readonly maskLongSide?: number;
  /** A fixed interval in frames, or bounds of the adaptive policy. Default: adaptive. */
  readonly keyframes?:
    | { readonly fixedInterval: number }
    | {
        readonly minInterval?: number;
        readonly maxInterval?: number;
        readonly minConfidence?: number;
      };
  /** Expected display size in pixels; another one ends the stream. */
  readonly width?: number;
  readonly height?: number;
  /** Frames a second; required for `mjpeg`, and for Annex B without timing in its headers. */
  readonly frameRate?: number;
  /** State of a going-away notice: its objects go on in this stream. */
  readonly resume?: ResumeState;
};

/** What is said of one object; at least one of points, box, mask and text (which stands alone). */
export type ObjectPrompts = {
  readonly points?: readonly ClickOptions[];
  readonly box?: Box;
  readonly mask?: Mask;
  readonly label?: string;
};

/** One update of a video's objects. */
export type PromptOptions = ObjectPrompts & {
  /** 1..65535, the caller's choice, never reused. */
  readonly objectId: number;
  /** Default: `add`. */
  readonly action?: 'add' | 'refine' | 'replace' | 'remove';
  /** The frame it belongs to. Default: the next one that is processed. */
  readonly at?: { readonly frameIndex: number } | { readonly timestampUs: number };
  /**
   * Finds up to `maxObjects` (default 1) objects, which take ids from `objectId` on: on its frame, and
   * unless `thisFrameOnly`, later, until there are so many or one of the ids is removed. `minScore`:
   * least certainty that one is what the phrase says, 0..1; default the model's for the noun, 0.65 for
   * most.
   */
  readonly text?: {
    readonly phrase: string;
    readonly maxObjects?: number;
    readonly minScore?: number;
    readonly thisFrameOnly?: boolean;
  };
};

/** One picture and what to find in it. */
export type ImageOptions = MaskOptions & {
  /** A JPEG, PNG or WebP file. */
  readonly image: Uint8Array;
  readonly prompts: readonly (ObjectPrompts & {
    readonly objectId: number;
    readonly text?: string;
    readonly maxObjects?: number;
    readonly minScore?: number;
  })[];
};

/** The wire's name of every container. */
export const containers = {
  'h264-annex-b': Container.CONTAINER_H264_ANNEX_B,
  'hevc-annex-b': Container.CONTAINER_HEVC_ANNEX_B,
  'mpeg-ts': Container.CONTAINER_MPEG_TS,
  mp4: Container.CONTAINER_MP4,
  matroska: Container.CONTAINER_MATROSKA,
  webm: Container.CONTAINER_WEBM,
  ivf: Container.CONTAINER_IVF,
  mjpeg: Container.CONTAINER_MJPEG,
  avi: Container.CONTAINER_AVI,
  flv: Container.CONTAINER_FLV,
  'mpeg-video': Container.CONTAINER_MPEG_VIDEO,
} as const;

const maskEncodings = {
  'coco-rle': MaskEncoding.MASK_ENCODING_COCO_RLE,
  png: MaskEncoding.MASK_ENCODING_PNG,
  bitmap: MaskEncoding.MASK_ENCODING_BITMAP,
  polygons: MaskEncoding.MASK_ENCODING_POLYGONS,
  none: MaskEncoding.MASK_ENCODING_NONE,
} as const;

const actions = {
  add: PromptAction.PROMPT_ACTION_ADD,
  refine: PromptAction.PROMPT_ACTION_REFINE,
  replace: PromptAction.PROMPT_ACTION_REPLACE,
  remove: PromptAction.PROMPT_ACTION_REMOVE,
} as const;

const deliveries = {
  'every-frame': Delivery.DELIVERY_EVERY_FRAME,
  latest: Delivery.DELIVERY_LATEST,
} as const;

const overlaps = {
  disjoint: OverlapRule.OVERLAP_RULE_DISJOINT,
  independent: OverlapRule.OVERLAP_RULE_INDEPENDENT,
} as const;

const pointLabels = {
  positive: PointLabel.POINT_LABEL_POSITIVE,
  negative: PointLabel.POINT_LABEL_NEGATIVE,
} as const;

/** The first message of a stream. Throws {@link MaskstreamError} `invalid-config`. */
export function configMessage(config: VideoConfig): StreamConfig {
  return StreamConfig.fromPartial({
    ...maskFields(config),
    container: choose('container', containers, config.container),
    delivery: choose('delivery', deliveries, config.delivery),
    maskLongSide: config.maskLongSide ?? 0,
    keyframes: keyframesMessage(config.keyframes),
    width: config.width,
    height: config.height,
    frameRate: config.frameRate,
    resume: config.resume,
  });
}

/** One update, numbered. Throws {@link MaskstreamError} `invalid-config`. */
export function promptMessage(requestId: number, prompt: PromptOptions): PromptUpdate {
  const { at, text, objectId } = prompt;
  return PromptUpdate.fromPartial({
    ...promptFields(prompt),
    requestId,
    objectId,
    action: choose('action', actions, prompt.action ?? 'add'),
    at: targetMessage(at),
    text: text && { ...text, firstObjectId: objectId },
  });
}

/** The request of a picture. Throws {@link MaskstreamError} `invalid-config`. */
export function imageMessage(options: ImageOptions): SegmentImageRequest {
  return SegmentImageRequest.fromPartial({
    ...maskFields(options),
    image: options.image,
    prompts: options.prompts.map((prompt) =>
      ImagePrompt.fromPartial({
        ...promptFields(prompt),
        objectId: prompt.objectId,
        text: prompt.text,
        maxObjects: prompt.maxObjects ?? 0,
        minScore: prompt.minScore,
      }),
    ),
  });
}

function maskFields({ model, maskEncoding, overlap, minMaskRegionArea }: MaskOptions) {
  return {
    minMaskRegionArea: minMaskRegionArea ?? 0,
    model: model ?? '',
    maskEncoding: choose('maskEncoding', maskEncodings, maskEncoding ?? 'coco-rle'),
    overlap: choose('overlap', overlaps, overlap ?? 'disjoint'),
  };
}

function promptFields({ points = [], box, mask, label }: ObjectPrompts) {
  const clicks = points.map(({ x, y, label: meaning }) => ({
    point: { x, y },
    label: choose('label of a point', pointLabels, meaning ?? 'positive'),
  }));
  return { points: clicks, box, mask, label };
}

function targetMessage(at: PromptOptions['at']): PromptUpdate['at'] {
  if (at === undefined) return undefined;
  if ('frameIndex' in at) return { $case: 'frameIndex', value: at.frameIndex };
  return { $case: 'timestampUs', value: at.timestampUs };
}

function keyframesMessage(keyframes: VideoConfig['keyframes']): KeyframeOptions | undefined {
  if (keyframes === undefined) return undefined;
  if ('fixedInterval' in keyframes) {
    return KeyframeOptions.fromPartial({
      policy: { $case: 'fixedInterval', value: keyframes.fixedInterval },
    });
  }
  return KeyframeOptions.fromPartial({ policy: { $case: 'adaptive', value: keyframes } });
}

/** The wire's value of a name. JavaScript callers have no compiler that knows the names. */
function choose<T extends object, K extends keyof T & string>(
  what: string,
  table: T,
  name: K,
): T[K] {
  if (Object.hasOwn(table, name)) return table[name];
  const names = Object.keys(table).join(', ');
  const got = name === undefined ? 'none' : JSON.stringify(name);
  throw new MaskstreamError('invalid-config', `${what} must be one of ${names}, got ${got}`);
}
