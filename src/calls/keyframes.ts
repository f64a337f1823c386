import type { VideoConfig } from '../../clients/typescript/index.ts';
import { usageError } from '../frame/errors.ts';

/** Largest interval that the wire takes. */
const maxIntervalFrames = 1000;

/** Bounds of the adaptive policy: `adaptive:MIN-MAX:CONFIDENCE`. */
const adaptiveBounds = /^adaptive:(\d+)-(\d+):([01](?:\.\d+)?)$/;

/** `--keyframes` as the wire says it; whether bounds fit together, the server says. Throws `usage`. */
export function parseKeyframes(text: string): NonNullable<VideoConfig['keyframes']> {
  if (text === 'adaptive') return {};
  const [, minInterval, maxInterval, minConfidence] = adaptiveBounds.exec(text) ?? [];
  if (minConfidence !== undefined) {
    return {
      minInterval: Number(minInterval),
      maxInterval: Number(maxInterval),
      minConfidence: Number(minConfidence),
    };
  }
  const fixedInterval = /^\d+$/.test(text) ? Number(text) : 0;
  if (fixedInterval < 1 || fixedInterval > maxIntervalFrames) {
    const expected = `adaptive, adaptive:MIN-MAX:CONFIDENCE or 1 to ${maxIntervalFrames}`;
    throw usageError(`--keyframes: expected ${expected}, got "${text}"`);
  }
  return { fixedInterval };
}
