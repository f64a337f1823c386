import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { encodeCamera } from '../../src/cli/demo/encode-camera.ts';
import { createLayers, type Layer } from '../../src/cli/demo/scene-layers.ts';
import { createScene } from '../../src/cli/demo/scene.ts';
import { type Box, type Size, scaleBox } from '../../src/frame/geometry.ts';
import type { FfmpegBinary } from '../../src/video/index.ts';

/** A clip and the boxes of its objects on the first frame, in display pixels. */
export type FourObjects = { readonly file: string; readonly boxes: readonly Box[] };

// Drawing takes longer than encoding: the scene is filmed small and scaled up.
const filmed: Size = { width: 640, height: 360 };

/**
 * Films the demo's two objects and the same two mirrored, and scales them to `size`.
 *
 * @param folder where the file goes; the caller removes it
 */
export async function filmFourObjects(
  folder: string,
  options: {
    readonly ffmpeg: FfmpegBinary;
    readonly size: Size;
    readonly frameCount: number;
    readonly signal: AbortSignal;
  },
): Promise<FourObjects> {
  const { ffmpeg, size, frameCount, signal } = options;
  const own = createLayers(filmed, frameCount, 2026);
  const others = createLayers(filmed, frameCount, 2029);
  const layers = [...own, ...others.filter(({ objectId }) => objectId !== null).map(mirrored)];
  const scene = createScene({ size: filmed, frameCount, seed: 2026, layers });
  const boxes = [...scene.render(0).masks.values()].flatMap(({ box }) => (box === null ? [] : box));
  const small = join(folder, 'small.mp4');
  await writeFile(small, await encodeCamera(scene, { ffmpeg, onFrame: () => undefined, signal }));
  const file = join(folder, 'four.mp4');
  const words = `-v error -y -i ${small} -vf scale=${size.width}:${size.height} -c:v libx264 -preset veryfast -tune zerolatency -crf 20 -pix_fmt yuv420p ${file}`;
  await promisify(execFile)(ffmpeg.path, words.split(' '), { signal });
  return { file, boxes: boxes.map((box) => scaleBox(box, filmed, size)) };
}

function mirrored(layer: Layer): Layer {
  return {
    ...layer,
    objectId: (layer.objectId ?? 0) + 2,
    pose: (time) => {
      const { x, y, turn } = layer.pose(time);
      return { x: filmed.width - x, y: filmed.height - y, turn };
    },
  };
}
