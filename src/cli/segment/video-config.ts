import { usageError } from '../../frame/errors.ts';
import type { VideoConfig } from '../../../clients/typescript/index.ts';
import type { Container } from '../../frame/container.ts';
import type { Arguments, Option } from '../command.ts';
import { parseCount } from '../prompt-flags.ts';
import { parseKeyframes } from '../../calls/keyframes.ts';

/** Options that say how a video is worked on. */
export const videoOptions = {
  keyframes: {
    kind: 'text',
    placeholder: 'adaptive|N',
    help: 'Keyframes where they are needed, or at the prompts and every N frames after the first. Default: adaptive.',
  },
  'min-region': {
    kind: 'text',
    placeholder: 'N',
    help: 'Drops islands of masks and fills holes that have fewer than N pixels. Default: 0, none.',
  },
  delivery: {
    kind: 'text',
    values: ['every-frame', 'latest'],
    placeholder: 'every-frame|latest',
    help: 'latest skips frames when the server falls behind, and the run then fails. Default: every-frame.',
  },
} as const satisfies Record<string, Option>;

/** `--delivery` as the wire says it. Throws `usage`. */
export function parseDelivery(text: string): VideoConfig['delivery'] {
  if (text === 'every-frame' || text === 'latest') return text;
  throw usageError(`--delivery: expected every-frame or latest, got "${text}"`);
}

/** `--min-region`, where it is given. Throws `usage`. */
export function regionArea(args: Arguments): { minMaskRegionArea?: number } {
  const text = args.texts.get('min-region');
  return text === undefined ? {} : { minMaskRegionArea: parseCount(text, '--min-region', 0) };
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
    ...regionArea(args),
    ...(video.frameRate === null ? {} : { frameRate: video.frameRate }),
    // The server of --server may have other models.
    ...(args.texts.has('server') && args.texts.has('model')
      ? { model: args.texts.get('model') ?? '' }
      : {}),
  };
}
