import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container } from '../../../src/frame/container.ts';
import { packageRoot } from '../../../src/package-root.ts';
import type { FuzzClip } from './corpus.ts';

/** What fuzzing found, cut to the part that shows it, and the frames of it that plain ffmpeg decodes. */
export const foundClips: readonly {
  readonly name: string;
  readonly container: Container;
  readonly frames: number;
}[] = [
  // Damage makes a data stream of the first tag, before the first of the video.
  { name: 'stream-before-video.flv', container: 'flv', frames: 2 },
  // A matrix that is no turn: ffmpeg's warning has no line feed, which ate the line behind it.
  { name: 'odd-rotation.mp4', container: 'mp4', frames: 2 },
];

/** Found clips with their bytes. */
export async function readFoundClips(): Promise<FuzzClip[]> {
  return await Promise.all(
    foundClips.map(async ({ name, container }) => {
      const bytes = await readFile(join(packageRoot(), 'bench/support/fuzz/found', name));
      return { name, container, bytes };
    }),
  );
}
