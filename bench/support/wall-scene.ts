import type { Scene, SceneFrame } from '../../src/cli/demo/scene.ts';
import { createNoise, sampleTexture } from '../../src/cli/demo/textures.ts';
import { maskFromBitmap, maskToBitmap } from '../../src/frame/mask.ts';

/** A wall that passes between the camera and everything else. */
export type Wall = {
  readonly name: string;
  readonly widthPixels: number;
  readonly direction: 'left' | 'right';
};

/** Of the wall's edge, a frame. */
export const wallSpeedPixels = 8;
/** Before the wall comes, in frames: the tracker has seen the objects move. */
const quietFrames = 20;
const wallSeed = 77;

/** A scene whose frames are drawn once, for several walls. */
export function recordScene(scene: Scene): readonly SceneFrame[] {
  return Array.from({ length: scene.frameCount }, (_, index) => scene.render(index));
}

/** The recorded scene with a textured wall over it; what is behind the wall has no mask. */
export function hideBehindWall(scene: Scene, frames: readonly SceneFrame[], wall: Wall): Scene {
  const bricks = createNoise(256, wallSeed);
  return {
    ...scene,
    render: (index) => {
      const frame = frames[index];
      if (frame === undefined) throw new Error(`expected frame 0 to ${frames.length - 1}`);
      const left = wallLeft(wall, index, scene.size.width);
      const from = Math.max(0, left);
      const to = Math.min(scene.size.width, left + wall.widthPixels);
      const data = Uint8Array.from(frame.picture.data);
      const masks = new Map(frame.masks);
      if (from >= to) return { picture: { size: scene.size, data }, masks };
      const { width, height } = scene.size;
      for (let y = 0; y < height; y++) {
        for (let x = from; x < to; x++) {
          const light = 0.5 + 0.7 * sampleTexture(bricks, (x - left) * 0.9, y * 0.9);
          data.set([150 * light, 105 * light, 90 * light], (y * width + x) * 3);
        }
      }
      for (const [objectId, mask] of masks) {
        const bitmap = maskToBitmap(mask);
        for (let y = 0; y < height; y++) bitmap.fill(0, y * width + from, y * width + to);
        masks.set(objectId, maskFromBitmap(bitmap, scene.size));
      }
      return { picture: { size: scene.size, data }, masks };
    },
  };
}

function wallLeft({ widthPixels, direction }: Wall, index: number, pictureWidth: number): number {
  const movedPixels = wallSpeedPixels * (index - quietFrames);
  return direction === 'left' ? pictureWidth - movedPixels : movedPixels - widthPixels;
}
