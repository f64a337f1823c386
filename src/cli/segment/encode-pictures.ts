import { readFile } from 'node:fs/promises';
import { SegmentationError } from '../../frame/errors.ts';
import type { Frame } from '../../frame/frame.ts';
import type { FfmpegBinary } from '../../video/index.ts';
import { decodeImage, encodeVideo } from '../../video/index.ts';

/** Larger than any picture that the service works on. */
const longestSide = 8192;

/**
 * Encodes pictures of one even size into an MP4.
 *
 * Throws `size-mismatch` for other sizes: the codec would pad odd ones, and masks would not fit.
 */
export async function encodePictures(
  files: readonly string[],
  options: {
    readonly ffmpeg: FfmpegBinary;
    readonly frameRate: number;
    readonly path: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { ffmpeg, signal } = options;
  const decode = async (file: string) =>
    decodeImage(await readFile(file), { ffmpeg, analysisLongSide: longestSide, signal });
  let encoder: Awaited<ReturnType<typeof encodeVideo>> | undefined;
  let first: Frame['display'] | undefined;
  try {
    for (const file of files) {
      using frame = (await decode(file)).frame;
      const { width, height } = frame.display;
      first ??= frame.display;
      if (width % 2 || height % 2 || width !== first.width || height !== first.height) {
        const wanted = `an even ${first.width} x ${first.height} as the first picture has`;
        const message = `${file}: expected ${wanted}, got ${width} x ${height}; JPEGs may have any size`;
        throw new SegmentationError('size-mismatch', message);
      }
      encoder ??= await encodeVideo({ ...options, width, height });
      await encoder.write(toRgb(frame));
    }
    await encoder?.finish();
  } finally {
    await encoder?.close();
  }
}

/** yuv420p in limited range to rgb24 (ITU-R BT.601, which ffmpeg takes for rgb24 on the way back). */
function toRgb(frame: Pick<Frame, 'analysis' | 'data'>): Uint8Array {
  const { width, height } = frame.analysis;
  const rgb = new Uint8ClampedArray(width * height * 3);
  const chroma = width * height;
  const chromaSize = chroma / 4;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      const at = chroma + (y >> 1) * (width >> 1) + (x >> 1);
      const light = 1.164 * ((frame.data[y * width + x] ?? 0) - 16);
      const blue = (frame.data[at] ?? 0) - 128;
      const red = (frame.data[at + chromaSize] ?? 0) - 128;
      rgb[to] = light + 1.596 * red;
      rgb[to + 1] = light - 0.813 * red - 0.391 * blue;
      rgb[to + 2] = light + 2.018 * blue;
    }
  }
  return new Uint8Array(rgb.buffer);
}
