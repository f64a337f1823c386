import type { ClassMaps } from '../layouts/layout.ts';
import type { Manifest, VocabularyEntry } from '../manifest.ts';
import { mergeTiles, type TileMaps } from './merge-tiles.ts';
import type { NounMap } from './instances.ts';

/** What the text graph says of the picture and, for a noun that is `tiled`, of its tiles. */
export type ViewMaps = { readonly whole: ClassMaps; readonly tiles: readonly TileMaps[] };

/** Where a noun is, with its own thresholds, or the section's where it has none. */
export function nounMap(
  entry: VocabularyEntry,
  text: NonNullable<Manifest['text']>,
  { whole, tiles }: ViewMaps,
): NounMap {
  const border = entry.separable ? text.border : undefined;
  return {
    noun: entry.noun,
    ...mergeTiles(whole, tiles, entry.channel),
    minProbability: entry.minProbability ?? text.minProbability,
    minAreaRatio: entry.minAreaRatio ?? text.minAreaRatio,
    border:
      border === undefined
        ? null
        : {
            probabilities: mergeTiles(whole, tiles, border.channel).probabilities,
            minProbability: border.minProbability,
          },
  };
}
