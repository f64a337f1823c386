import type { VideoConfig } from '../../../clients/typescript/index.ts';
import type { Container } from '../../frame/container.ts';
import type { Arguments, Option } from '../command.ts';
import { usageError } from '../command.ts';
import { parseCount } from '../prompt-flags.ts';

/** Options that say how a video is worked on. */
export const videoOptions = {
  keyframes: {
    kind: 'text',
    placeholder: 'adaptive|N',
    help: 'Keyframes where they are needed, or at the prompts and every N frames after the first. Default: adaptive.',
  },
  delivery: {
    kind: 'text',
    placeholder: 'every-frame|latest',
    help: 'latest skips frames when the server falls behind, and the run then fails. Default: every-frame.',
  },
} as const satisfies Record<string, Option>;

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
  const fixedInterval = /^\d+$/.test(text) ? parseCount(text, '--keyframes', 1) : Number.NaN;
  if (!(fixedInterval <= maxIntervalFrames)) {
    const expected = `adaptive, adaptive:MIN-MAX:CONFIDENCE or 1 to ${maxIntervalFrames}`;
    throw usageError(`--keyframes: expected ${expected}, got "${text}"`);
  }
  return { fixedInterval };
}

/** `--delivery` as the wire says it. Throws `usage`. */
export function parseDelivery(text: string): VideoConfig['delivery'] {
  if (text === 'every-frame' || text === 'latest') return text;
  throw usageError(`--delivery: expected every-frame or latest, got "${text}"`);
}

/** First message of a stream from the command line. Throws `usage`. */
export function readVideoConfig(
  args: Arguments,
  video: { readonly container: Container; readonly frameRate: number | null },
): VideoConfig {
  return {
    container: video.container,
    delivery: parseDelivery(args.texts.get('delivery') ?? 'every-frame'),
    keyframes: parseKeyframes(args.texts.get('keyframes') ?? 'adaptive'),
    ...(video.frameRate === null ? {} : { frameRate: video.frameRate }),
    // The server of --server may have other models.
    ...(args.texts.has('server') && args.texts.has('model')
      ? { model: args.texts.get('model') ?? '' }
      : {}),
  };
}
