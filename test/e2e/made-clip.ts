import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeCamera } from '../../src/cli/demo/encode-camera.ts';
import { createScene } from '../../src/cli/demo/scene.ts';
import type { Scene } from '../../src/cli/demo/scene.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { writeIndexedPng } from '../../src/formats/indexed-png.ts';
import { paintMask } from '../../src/frame/mask.ts';
import type { Mask } from '../../src/frame/mask.ts';

/** A clip on disk whose true masks are known. */
export type MadeClip = {
  readonly file: string;
  readonly scene: Scene;
  /** True masks by frame, then by object. */
  readonly truths: readonly ReadonlyMap<number, Mask>[];
};

/** Films a small scene into `folder`/clip.mp4 with `folder`/masks/NNNNN.png, as `eval` reads it. */
export async function makeClip(folder: string, frameCount: number): Promise<MadeClip> {
  const size = { width: 192, height: 108 };
  const scene = createScene({ size, frameCount, seed: 11 });
  const truths: ReadonlyMap<number, Mask>[] = [];
  mkdirSync(join(folder, 'masks'), { recursive: true });
  const ffmpeg = await findConfiguredFfmpeg();
  const render = (index: number) => {
    const frame = scene.render(index);
    truths.push(frame.masks);
    const ids = new Uint8Array(size.width * size.height);
    for (const [id, mask] of frame.masks) paintMask(mask, ids, id);
    const name = `${String(index).padStart(5, '0')}.png`;
    writeFileSync(join(folder, 'masks', name), writeIndexedPng({ size, ids }));
    return frame;
  };
  const { signal } = new AbortController();
  const video = await encodeCamera({ ...scene, render }, { ffmpeg, onFrame: () => {}, signal });
  const file = join(folder, 'clip.mp4');
  writeFileSync(file, video);
  return { file, scene, truths };
}
