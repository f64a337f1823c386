import { SegmentationError } from '../frame/errors.ts';
import type { FfmpegProcess } from './ffmpeg/process.ts';
import type { PictureStream } from './picture-stream.ts';

/** Looks at progress this often within one timeout. */
const looksPerTimeout = 8;

/**
 * Fails `pictures` when ffmpeg has had input for `timeoutMs` and finished no frame. A sender that
 * pauses and a receiver that is slow do not count: only time in which ffmpeg could have worked.
 */
export function watchForStall<P>(options: {
  readonly child: FfmpegProcess;
  readonly pictures: PictureStream<P>;
  readonly timeoutMs: number;
}): { close(): void } {
  const { child, pictures, timeoutMs } = options;
  let seen = -1;
  let idleLooks = 0;
  const timer = setInterval(() => {
    const hasInput = child.stdin.writableLength > 0 || child.stdin.writableEnded;
    if (pictures.completed !== seen || pictures.untaken || !hasInput) idleLooks = 0;
    else idleLooks++;
    seen = pictures.completed;
    if (idleLooks < looksPerTimeout) return;
    pictures.fail(
      new SegmentationError(
        'decoder-stalled',
        `expected a frame within ${timeoutMs} ms of input, got none after frame ${seen}`,
      ),
    );
  }, timeoutMs / looksPerTimeout);
  timer.unref();
  return { close: () => clearInterval(timer) };
}
