import { usageError } from '../../frame/errors.ts';
import type { VideoConfig } from '../../../clients/typescript/index.ts';
import type { Container } from '../../frame/container.ts';
import type { Arguments, Option } from '../command.ts';
import { parseKeyframes } from '../../calls/keyframes.ts';

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
