import type { Size } from '../../frame/geometry.ts';

/** What the numbers of a video's pixels mean, as ffmpeg names it; `unknown` where it does not say. */
export type ColourTags = {
  readonly matrix: string;
  readonly primaries: string;
  readonly transfer: string;
};

const matrices: ReadonlySet<string> = new Set([
  'bt709',
  'fcc',
  'bt470bg',
  'smpte170m',
  'smpte240m',
  'bt2020nc',
  'bt2020c',
  'unknown',
]);

/** Reads `yuv420p(tv, bt709/unknown/unknown, progressive)` out of ffmpeg's line on a stream. */
export function readColourTags(line: string): ColourTags | null {
  const inBrackets = /, [a-z0-9]+\(([^)]*)\)/.exec(line)?.[1] ?? '';
  for (const item of inBrackets.split(', ')) {
    const [matrix = '', primaries = matrix, transfer = matrix] = item.split('/');
    if (matrices.has(matrix)) return { matrix, primaries, transfer };
  }
  return null;
}

/**
 * Arguments that give rgb24 pictures the pixels and the tags of the video that they were decoded from.
 * Untagged video is decoded as BT.601 by ffmpeg and so goes back to the numbers that it had; its tags
 * are what players take it for, by its size.
 */
export function colourArguments(
  tags: ColourTags | null,
  size: Size,
): { readonly filter: string; readonly flags: readonly string[] } {
  const isLarge = size.width >= 1280 || size.height >= 720;
  const guess = isLarge ? 'bt709' : 'smpte170m';
  const known = tags !== null && tags.matrix !== 'unknown';
  const named = known ? tags : { matrix: guess, primaries: guess, transfer: guess };
  const flags = ['-color_range', 'tv', '-colorspace', named.matrix];
  if (named.primaries !== 'unknown') flags.push('-color_primaries', named.primaries);
  if (named.transfer !== 'unknown') flags.push('-color_trc', named.transfer);
  const matrix = known ? scalerMatrix(named.matrix) : 'bt601';
  return { filter: `scale=out_color_matrix=${matrix}:out_range=tv`, flags };
}

/** The scaler's names are fewer. */
function scalerMatrix(matrix: string): string {
  switch (matrix) {
    case 'bt709':
    case 'fcc':
    case 'smpte240m':
      return matrix;
    case 'bt2020nc':
    case 'bt2020c':
      return 'bt2020';
    default:
      return 'bt601';
  }
}
