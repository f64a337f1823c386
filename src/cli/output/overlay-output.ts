import { rename, rm } from 'node:fs/promises';
import { SegmentationError } from '../../frame/errors.ts';
import type { FfmpegBinary, RgbFrame, VideoEncoder } from '../../video/index.ts';
import { decodeRgb, encodeVideo } from '../../video/index.ts';
import type { Container } from '../../frame/container.ts';
import type { AnsweredFrame, Output } from '../../formats/answered-frame.ts';
import { drawOverlay } from './draw-overlay.ts';
import type { OverlayStyle } from './overlay-style.ts';

/** Where the pictures below the masks come from. */
export type OverlaySource = {
  readonly container: Container;
  readonly frameRate: number | null;
  chunks(): AsyncIterable<Uint8Array>;
};

/**
 * Decodes the video a second time, at the display size of its first frame, and writes it with its
 * masks drawn in, each frame at its own time. Frames are matched by index; both decodings count alike.
 * The file gets its name when it is complete.
 */
export function createOverlayOutput(
  path: string,
  source: OverlaySource,
  options: {
    readonly ffmpeg: () => Promise<FfmpegBinary>;
    readonly style: OverlayStyle;
    readonly container: 'mp4' | 'webm';
    readonly signal: AbortSignal;
  },
): Output {
  const { signal, style, container } = options;
  const partial = `${path}.partial`;
  let pictures: AsyncGenerator<RgbFrame, void, void> | undefined;
  let encoder: VideoEncoder | undefined;
  let ffmpeg: FfmpegBinary | undefined;
  let frameRate: number | null = null;
  const release = async () => {
    await pictures?.return();
    await encoder?.close();
  };
  return {
    async open(header) {
      ffmpeg = await options.ffmpeg();
      frameRate = header.frameRate;
      const decoding = { ffmpeg, container: source.container, frameRate: source.frameRate, signal };
      pictures = decodeRgb(source.chunks(), decoding);
    },
    async write(frame) {
      const picture = await nextPicture(pictures, frame);
      if (ffmpeg !== undefined && encoder === undefined) {
        const { size, colour } = picture;
        encoder = await encodeVideo({
          ffmpeg,
          ...size,
          frameRate,
          colour,
          path: partial,
          container,
          signal,
        });
      }
      drawOverlay({ size: picture.size, data: picture.data }, frame, style);
      await encoder?.write(picture.data, frame.timestampUs);
    },
    async close() {
      await encoder?.finish();
      await release();
      if (encoder !== undefined) await rename(partial, path);
    },
    async discard() {
      await release();
      await rm(partial, { force: true });
    },
  };
}

async function nextPicture(
  pictures: AsyncGenerator<RgbFrame, void, void> | undefined,
  frame: AnsweredFrame,
): Promise<RgbFrame> {
  for (;;) {
    const next = await pictures?.next();
    if (next?.value === undefined || next.value.index > frame.frameIndex) {
      const message = `expected a picture for frame ${frame.frameIndex}, got none`;
      throw new SegmentationError('internal', message);
    }
    // Skipped by `latest`: the overlay shows the answered frames only.
    if (next.value.index === frame.frameIndex) return next.value;
  }
}
