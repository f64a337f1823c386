import { setTimeout as wait } from 'node:timers/promises';
import { MaskstreamError } from '../../core/maskstream-error.ts';
import { type BackOff, pauseBefore } from '../../core/resume/back-off.ts';
import type { CameraReader, CameraUnit, Encoding, VideoFormat } from '../access-unit.ts';
import { frameRateOf, tellsFrameRate } from './frame-rate.ts';
import type { FormattedUnit } from './unit-buffer.ts';

/** What happens on the way to a camera. */
export type CameraEvent =
  | { readonly kind: 'camera-connected'; readonly format: VideoFormat }
  | { readonly kind: 'camera-lost'; readonly reason: Error; readonly pauseMs: number }
  | { readonly kind: 'packets-lost' }
  /** It is none of what is sent as it is. */
  | ({ readonly kind: 'encoded' } & Encoding);

/** How a camera is read. */
export type ReadCameraOptions = {
  readonly read: CameraReader;
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
 * is lost. Resolves when it ends by itself, as a pipe does, or by `signal`; rejects with why the camera was given up, at once where
 * trying again is of no use.
 */
export async function readCamera(options: ReadCameraOptions): Promise<void> {
  const { giveUpAfterMs, backOff, onEvent, signal } = options;
  const progress: Progress = { format: null, seenAtMs: performance.now(), attempt: 0 };
  while (!signal.aborted) {
    try {
      return await readOnce(options, progress);
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

/** One connection. */
async function readOnce(
  { read, silenceMs, onUnit, onEvent, signal, ...options }: ReadCameraOptions,
  progress: Progress,
): Promise<void> {
  const seen: Seen = { container: null, declared: null, format: null, held: [] };
  const begin = (container: VideoFormat['container'], frameRate: number) => {
    const { format: before } = progress;
    const isSame = before?.container === container && before.frameRate === frameRate;
    const format = isSame ? before : { container, frameRate };
    [seen.format, progress.format] = [format, format];
    onEvent({ kind: 'camera-connected', format });
    for (const unit of seen.held.splice(0)) onUnit({ unit, format });
  };
  await read(
    {
      onTrack({ container, frameRate }) {
        const { format: before } = progress;
        const known = before?.container === container ? before.frameRate : null;
        seen.container = container;
        seen.declared = known ?? options.frameRate ?? frameRate;
      },
      onUnit(unit) {
        [progress.seenAtMs, progress.attempt] = [performance.now(), 0];
        if (seen.format !== null) return onUnit({ unit, format: seen.format });
        seen.held.push(unit);
        const frameRate = seen.declared ?? rateOf(seen.held.map(({ mediaUs }) => mediaUs));
        if (seen.container !== null && frameRate !== null) begin(seen.container, frameRate);
      },
      onLoss: () => onEvent({ kind: 'packets-lost' }),
      onEncoded(encoding) {
        if (progress.format === null) onEvent({ kind: 'encoded', ...encoding });
      },
    },
    { silenceMs, signal },
  );
  // It was shorter than what tells a rate.
  if (seen.container !== null && seen.held.length > 0) {
    begin(seen.container, frameRateOf(seen.held.map(({ mediaUs }) => mediaUs)));
  }
}

/** What is known of a connection. */
type Seen = {
  container: VideoFormat['container'] | null;
  /** Frames a second, where it was said. */
  declared: number | null;
  format: VideoFormat | null;
  /** Pictures that came before the rate was known. */
  held: CameraUnit[];
};

function rateOf(timesUs: readonly number[]): number | null {
  return tellsFrameRate(timesUs) ? frameRateOf(timesUs) : null;
}
