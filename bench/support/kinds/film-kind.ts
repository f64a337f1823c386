import type { RgbPicture } from '../../../src/cli/output/draw-overlay.ts';
import type { TrueMasks } from '../../../src/evaluation/clips.ts';
import type { FfmpegBinary } from '../../../src/video/index.ts';
import { filmScene, type TrueClip } from '../true-clip.ts';
import { sheetFrames } from './contact-sheet.ts';
import type { KindScene } from './kind-scene.ts';

/** A filmed clip of a kind. */
export type FilmedKind = {
  /** With the true masks of what is prompted. */
  readonly clip: TrueClip;
  /** Those of all objects, by frame. */
  readonly truths: ReadonlyMap<number, TrueMasks>;
  /** Pictures of {@link sheetFrames}, by frame. */
  readonly pictures: ReadonlyMap<number, RgbPicture>;
};

/** Draws and encodes a clip; it is drawn once. */
export async function filmKind(
  { scene, follows }: KindScene,
  options: { readonly name: string; readonly ffmpeg: FfmpegBinary; readonly signal: AbortSignal },
): Promise<FilmedKind> {
  const shown = new Set(sheetFrames(scene.frameCount));
  const pictures = new Map<number, RgbPicture>();
  const render = (index: number) => {
    const frame = scene.render(index);
    if (shown.has(index)) pictures.set(index, frame.picture);
    return frame;
  };
  const { video, truths, name } = await filmScene({ ...scene, render }, options);
  const prompted = [...truths].map(([index, { size, objects }]) => {
    const followed = [...objects].filter(([objectId]) => follows.has(objectId));
    return [index, { size, objects: new Map(followed) }] as const;
  });
  return { clip: { name, video, truths: new Map(prompted) }, truths, pictures };
}
