import type { Size } from '../frame/geometry.ts';
import type { Container } from '../frame/container.ts';
import { decodePictures } from './decode-pictures.ts';
import { defaultLimits, FrameClock } from './decoder.ts';
import type { ColourTags } from './ffmpeg/colour-tags.ts';
import type { FfmpegBinary } from './ffmpeg/binary.ts';
import { allOf } from './picture-reader.ts';

/** One picture in full colour, in ordinary memory: nothing to close. */
export type RgbFrame = {
  /** Same count, order and time as the frames of {@link createDecoder}. */
  readonly index: number;
  readonly timestampUs: number;
  /** Size of `data`: the display size of the first frame. */
  readonly size: Size;
  /** Display size of this frame; differs from `size` after a size change. */
  readonly display: Size;
  /** What the video says of its colours. */
  readonly colour: ColourTags | null;
  /** R, G, B, row-major, tightly packed. */
  readonly data: Uint8Array;
};

/** A full picture is megabytes: few are held. */
const maxQueuedRgbFrames = 2;

/**
 * Decodes a stream again at display size, to draw on it or to compare. All frames have the size of
 * the first: later sizes are stretched to it.
 *
 * Throws what {@link createDecoder} throws; a stream that is cut short just ends.
 */
export async function* decodeRgb(
  chunks: AsyncIterable<Uint8Array>,
  options: {
    readonly ffmpeg: FfmpegBinary;
    readonly container: Container;
    /** Frames a second for streams without timing of their own. */
    readonly frameRate: number | null;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<RgbFrame, void, void> {
  const clock = new FrameClock();
  let first: Size | null = null;
  const events = decodePictures<RgbFrame>(chunks, {
    binary: options.ffmpeg,
    format: options.container,
    frameRate: options.frameRate,
    shape: { kind: 'display-rgb' },
    limits: { ...defaultLimits, maxQueuedFrames: maxQueuedRgbFrames },
    signal: options.signal,
    openPicture: (context) => {
      const size = (first ??= context.note.display);
      const data = new Uint8Array(size.width * size.height * 3);
      const timestampUs = clock.timestampUs(context);
      const { index, stream, note } = context;
      const { display } = note;
      return {
        picture: { index, timestampUs, size, display, colour: stream.colour, data },
        planes: [allOf(data)],
        discard: () => undefined,
      };
    },
  });
  for await (const event of events) {
    if (event.kind === 'picture') yield event.picture;
  }
}
