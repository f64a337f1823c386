import { setTimeout as wait } from 'node:timers/promises';
import { MaskstreamError } from '../../core/maskstream-error.ts';
import { type BackOff, pauseBefore } from '../../core/resume/back-off.ts';
import type { VideoFormat } from '../access-unit.ts';
import { readRtspCamera, type RtspUnit } from '../rtsp/rtsp-camera.ts';
import { frameRateOf, tellsFrameRate } from './frame-rate.ts';
import type { FormattedUnit } from './unit-buffer.ts';

/** What happens on the way to a camera. */
export type CameraEvent =
  | { readonly kind: 'camera-connected'; readonly format: VideoFormat }
  | { readonly kind: 'camera-lost'; readonly reason: Error; readonly pauseMs: number }
  | { readonly kind: 'packets-lost' };

/** How a camera is read. */
export type ReadCameraOptions = {
  readonly url: string;
  /** Frames a second, where neither the camera's description nor its pictures are to be asked. */
  readonly frameRate: number | null;
  readonly silenceMs: number;
  /** Time without a picture after which it is given up; Infinity: never. */
  readonly giveUpAfterMs: number;
  readonly backOff: BackOff;
  readonly onUnit: (unit: FormattedUnit) => void;
  readonly onEvent: (event: CameraEvent) => void;
  readonly signal: AbortSignal;
};

/**
 * Reads a camera for as long as it can be reached, and connects again, with pauses that grow, where it
 * is lost. Resolves when `signal` ends it; rejects with why the camera was given up, at once where
 * trying again is of no use.
 */
export async function readCamera(options: ReadCameraOptions): Promise<void> {
  const { giveUpAfterMs, backOff, onEvent, signal } = options;
  const progress: Progress = { format: null, seenAtMs: performance.now(), attempt: 0 };
  while (!signal.aborted) {
    try {
      await readOnce(options, progress);
    } catch (reason) {
      if (signal.aborted) return;
      if (!(reason instanceof MaskstreamError) || hopeless.has(reason.code)) throw reason;
      if (performance.now() - progress.seenAtMs >= giveUpAfterMs) throw reason;
      const pauseMs = pauseBefore(progress.attempt++, backOff, Math.random());
      onEvent({ kind: 'camera-lost', reason, pauseMs });
      await wait(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

const hopeless: ReadonlySet<string> = new Set(['invalid-config', 'camera-codec']);

/** What one connection leaves to the next. */
type Progress = {
  /** A rate that is measured anew would differ by a hair. */
  format: VideoFormat | null;
  seenAtMs: number;
  /** Connections since the last picture. */
  attempt: number;
};

/** One connection: ends by throwing. */
async function readOnce(
  { url, silenceMs, onUnit, onEvent, signal, ...options }: ReadCameraOptions,
  progress: Progress,
): Promise<never> {
  let container: VideoFormat['container'] | null = null;
  let format: VideoFormat | null = null;
  let held: RtspUnit[] = [];
  const begin = (known: VideoFormat) => {
    format = known;
    progress.format = known;
    onEvent({ kind: 'camera-connected', format: known });
    return known;
  };
  let declared: number | null = null;
  return await readRtspCamera(
    url,
    {
      onTrack(track) {
        container = track.container;
        const { format: before } = progress;
        const known = before?.container === container ? before.frameRate : null;
        declared = known ?? options.frameRate ?? track.frameRate;
      },
      onUnit(unit) {
        [progress.seenAtMs, progress.attempt] = [performance.now(), 0];
        if (format !== null) return onUnit({ unit, format });
        held.push(unit);
        const frameRate = declared ?? rateOf(held.map(({ mediaUs }) => mediaUs));
        if (container === null || frameRate === null) return;
        const { format: before } = progress;
        const isSame = before?.container === container && before.frameRate === frameRate;
        const known = begin(isSame ? before : { container, frameRate });
        for (const one of held) onUnit({ unit: one, format: known });
        held = [];
      },
      onLoss: () => onEvent({ kind: 'packets-lost' }),
    },
    { silenceMs, signal },
  );
}

function rateOf(timesUs: readonly number[]): number | null {
  return tellsFrameRate(timesUs) ? frameRateOf(timesUs) : null;
}
