import type { FrameTimes, Statistics } from '../summaries.ts';
import { RecentValues } from './percentiles.ts';

/** Frames that percentiles are taken of: five seconds. */
const keptFrames = 150;

/** Frames that the rate is taken of. */
const keptArrivals = 60;

/** Frames whose answer is waited for: older ones were dropped. */
const mostWaiting = 120;

const partNames = ['encodeMs', 'wayMs', 'serverMs', 'drawMs'] as const;

/** What is told of an answer. */
export type AnsweredTimes = {
  /** When it came, and when it was drawn, on `performance.now()`'s clock. */
  readonly cameAtMs: number;
  readonly drawnAtMs: number;
  readonly serverMs: number;
};

/**
 * Follows live frames from capture to drawn masks. Frames bear the camera's clock, whose origin is
 * not known; the fastest delivery so far tells it.
 */
export class LiveTimes {
  readonly #sentAtMs = new Map<number, number>();
  readonly #total = new RecentValues(keptFrames);
  readonly #arrivals = new RecentValues(keptArrivals);
  readonly #parts = {
    encodeMs: new RecentValues(keptFrames),
    wayMs: new RecentValues(keptFrames),
    serverMs: new RecentValues(keptFrames),
    drawMs: new RecentValues(keptFrames),
  };
  #clockOffsetMs = Infinity;

  /** A frame came from the camera. @param captureUs its `VideoFrame.timestamp` */
  captured(captureUs: number, nowMs: number): void {
    this.#clockOffsetMs = Math.min(this.#clockOffsetMs, nowMs - captureUs / 1000);
  }

  /** It was encoded and sent. */
  sent(captureUs: number, nowMs: number): void {
    this.#sentAtMs.set(captureUs, nowMs);
    if (this.#sentAtMs.size > mostWaiting) {
      this.#sentAtMs.delete(this.#sentAtMs.keys().next().value ?? captureUs);
    }
  }

  /** Its masks were drawn; null where it is not known when it was sent. */
  answered(captureUs: number, answer: AnsweredTimes): FrameTimes | null {
    const { cameAtMs, drawnAtMs, serverMs } = answer;
    this.#arrivals.add(drawnAtMs);
    const sentAtMs = this.#sentAtMs.get(captureUs);
    if (sentAtMs === undefined) return null;
    this.#sentAtMs.delete(captureUs);
    const capturedAtMs = this.#clockOffsetMs + captureUs / 1000;
    const times = {
      encodeMs: sentAtMs - capturedAtMs,
      wayMs: cameAtMs - sentAtMs - serverMs,
      serverMs,
      drawMs: drawnAtMs - cameAtMs,
      totalMs: drawnAtMs - capturedAtMs,
    };
    this.#total.add(times.totalMs);
    for (const name of partNames) this.#parts[name].add(times[name]);
    return times;
  }

  /** What the page shows of them. */
  statistics(nowMs: number): Pick<Statistics, 'p50Ms' | 'p95Ms' | 'parts' | 'framesPerSecond'> {
    const { count } = this.#arrivals;
    const spanMs = nowMs - (this.#arrivals.percentile(0) ?? 0);
    const median = (name: (typeof partNames)[number]) => this.#parts[name].percentile(0.5) ?? 0;
    return {
      p50Ms: this.#total.percentile(0.5),
      p95Ms: this.#total.percentile(0.95),
      parts:
        this.#total.count === 0
          ? null
          : {
              encodeMs: median('encodeMs'),
              wayMs: median('wayMs'),
              serverMs: median('serverMs'),
              drawMs: median('drawMs'),
            },
      framesPerSecond: count < 2 ? 0 : ((count - 1) * 1000) / spanMs,
    };
  }
}
