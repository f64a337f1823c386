import type { Box, Size } from '../../src/frame/geometry.ts';
import type { FrameSummary, FrameTimes, Statistics, ViewMode } from './summaries.ts';

/** Where pictures come from. */
export type SourceRequest =
  /** Frames of the browser's camera. */
  | {
      readonly kind: 'camera';
      readonly frames: ReadableStream<VideoFrame> | MessagePort;
      readonly size: Size;
    }
  /** A video file, sent as it is. */
  | { readonly kind: 'file'; readonly file: File }
  | { readonly kind: 'image'; readonly file: File }
  /** A scene that the page draws itself. */
  | { readonly kind: 'sample' };

/** A prompt as the page makes it, in display pixels. */
export type PagePrompt = {
  readonly objectId: number;
  readonly action: 'add' | 'refine' | 'replace' | 'remove';
  /** The frame that the user saw; null: the next one. */
  readonly frameIndex: number | null;
  readonly points: readonly {
    readonly x: number;
    readonly y: number;
    readonly positive: boolean;
  }[];
  readonly box: Box | null;
  /** One byte a pixel, display size. */
  readonly mask: Uint8Array | null;
  readonly text: { readonly phrase: string; readonly maxObjects: number } | null;
  readonly label: string | null;
};

/** Files that the page can make of what it received. */
export type ExportKind = 'zip' | 'coco';

/** From the page to its worker. */
export type ToWorker =
  | { readonly kind: 'canvas'; readonly canvas: OffscreenCanvas; readonly address: string }
  | { readonly kind: 'token'; readonly token: string | null }
  | { readonly kind: 'start'; readonly source: SourceRequest }
  | { readonly kind: 'prompt'; readonly requestId: number; readonly prompt: PagePrompt }
  | { readonly kind: 'view'; readonly mode: ViewMode; readonly hidden: readonly number[] }
  | { readonly kind: 'show'; readonly frameIndex: number | null }
  | { readonly kind: 'pause'; readonly paused: boolean }
  | {
      readonly kind: 'export';
      readonly format: ExportKind;
      readonly labels: readonly (readonly [number, string])[];
    }
  | { readonly kind: 'stop' };

/** Where a run is. */
export type Phase =
  'idle' | 'waiting' | 'loading' | 'ready' | 'starting' | 'running' | 'reconnecting' | 'ended';

/** A model as far as the page needs it. */
export type ModelSummary = {
  readonly name: string;
  readonly text: boolean;
  readonly vocabulary: readonly string[];
};

/** From the worker to the page. */
export type FromWorker =
  | { readonly kind: 'phase'; readonly phase: Phase; readonly message: string }
  | { readonly kind: 'model'; readonly model: ModelSummary }
  | { readonly kind: 'size'; readonly size: Size }
  | {
      readonly kind: 'frame';
      readonly frame: FrameSummary;
      readonly shown: boolean;
      /** Null where the frame is not live, or was corrected. */
      readonly times: FrameTimes | null;
    }
  /** Frames that can still be shown and corrected. */
  | { readonly kind: 'held'; readonly first: number; readonly last: number }
  | { readonly kind: 'shown'; readonly frameIndex: number }
  | {
      readonly kind: 'acknowledged';
      readonly requestId: number;
      readonly objectIds: readonly number[];
    }
  | {
      readonly kind: 'refused';
      readonly requestId: number;
      readonly message: string;
    }
  | { readonly kind: 'problem'; readonly message: string }
  /** The same problem is over. */
  | { readonly kind: 'solved'; readonly message: string }
  | { readonly kind: 'statistics'; readonly statistics: Statistics }
  | { readonly kind: 'exported'; readonly name: string; readonly blob: Blob };
