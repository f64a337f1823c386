import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Size } from '../../../src/frame/geometry.ts';
import { fitLongSide } from '../../../src/frame/geometry.ts';
import type { SoftMask } from '../../../src/frame/soft-mask.ts';

/** A clip of luma planes with one true mask a frame. */
export type TrueClip = {
  readonly name: string;
  readonly size: Size;
  readonly frames: readonly Uint8Array[];
  /** Non-zero = object. */
  readonly masks: readonly Uint8Array[];
};

const analysisLongSide = 448;

/** Clips as NAME/clip.mp4 with NAME/masks/NNNNN.png for every frame; others are left out. */
export function loadClips(directory: string): TrueClip[] {
  return readdirSync(directory)
    .filter((name) => existsSync(join(directory, name, 'clip.mp4')))
    .map((name) => {
      const video = join(directory, name, 'clip.mp4');
      const masks = join(directory, name, 'masks', '%05d.png');
      return loadClip(name, video, masks);
    })
    .filter((clip) => clip.frames.length === clip.masks.length);
}

/** Clips as NAME_NNNNN.jpg with NAME_NNNNN.0.png in one folder, numbered without gaps. */
export function loadTrainingClips(directory: string, names: readonly string[]): TrueClip[] {
  return names.map((name) =>
    loadClip(name, join(directory, `${name}_%05d.jpg`), join(directory, `${name}_%05d.0.png`)),
  );
}

/** Names of the clips in a folder of {@link loadTrainingClips}. */
export function trainingClips(directory: string): string[] {
  const firsts = readdirSync(directory).filter((file) => file.endsWith('_00000.jpg'));
  return firsts.map((file) => file.slice(0, -'_00000.jpg'.length)).toSorted();
}

/** The true mask of a frame, cut to its bounds. */
export function trueMask(clip: TrueClip, index: number): SoftMask {
  const { width, height } = clip.size;
  const bitmap = clip.masks[index]!;
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (bitmap[y * width + x] === 0) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  }
  if (right < 0) return { size: clip.size, window: null, values: new Float32Array(0) };
  const window = { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
  const values = new Float32Array(window.width * window.height);
  for (let y = 0; y < window.height; y++) {
    for (let x = 0; x < window.width; x++) {
      const set = bitmap[(top + y) * width + left + x] !== 0;
      values[y * window.width + x] = set ? 1 : 0;
    }
  }
  return { size: clip.size, window, values };
}

function loadClip(name: string, video: string, masks: string): TrueClip {
  const fitted = fitLongSide(sizeOf(video), analysisLongSide);
  const size = { width: fitted.width & ~1, height: fitted.height & ~1 };
  return {
    name,
    size,
    frames: greyPictures(video, size, 'area'),
    // Without interpolation: a mask's grey is an object id.
    masks: greyPictures(masks, size, 'neighbor'),
  };
}

function sizeOf(input: string): Size {
  const fields = ['-show_entries', 'stream=width,height', '-of', 'csv=p=0'];
  const first = input.replace('%05d', '00000');
  const answer = execFileSync('ffprobe', ['-v', 'error', '-select_streams', 'v', ...fields, first]);
  const [width, height] = answer.toString().trim().split(',').map(Number);
  return { width: width!, height: height! };
}

function greyPictures(input: string, size: Size, scaling: string): Uint8Array[] {
  const filter = `scale=${size.width}:${size.height}:flags=${scaling}`;
  const output = ['-vf', filter, '-f', 'rawvideo', '-pix_fmt', 'gray', '-'];
  const bytes = execFileSync('ffmpeg', ['-v', 'error', '-i', input, ...output], {
    maxBuffer: 2 ** 30,
  });
  const pixels = size.width * size.height;
  return Array.from({ length: Math.floor(bytes.length / pixels) }, (_, index) =>
    bytes.subarray(index * pixels, (index + 1) * pixels),
  );
}
