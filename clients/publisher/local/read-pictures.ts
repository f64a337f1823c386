import { headerFrameRate } from '../../../src/video/headers/frame-rate.ts';
import type { CameraReaderEvents, VideoFormat } from '../access-unit.ts';
import { createPictureCutter } from './create-picture-cutter.ts';

/** Where pictures go; `hasRoom` holds the stream back where it can be. */
export type PictureEvents = Pick<CameraReaderEvents, 'onTrack' | 'onUnit'> & {
  readonly hasRoom?: () => Promise<void>;
};

const startCode = Buffer.from([0, 0, 0, 1]);

/**
 * Cuts a raw stream into pictures until it ends. They are as old as their bytes: a raw stream says
 * nothing of time.
 */
export async function readPictures(
  chunks: AsyncIterable<Uint8Array>,
  container: VideoFormat['container'],
  { onTrack, onUnit, hasRoom }: PictureEvents,
): Promise<void> {
  const cutter = createPictureCutter(container);
  let isTold = false;
  const hand = async (pictures: ReturnType<typeof cutter.push>, arrivedAtUs: number) => {
    for (const { bytes, randomAccess } of pictures) {
      if (!isTold) onTrack({ container, frameRate: statedRate(container, bytes) });
      isTold = true;
      onUnit({ bytes, randomAccess, capturedAtUs: null, arrivedAtUs, mediaUs: arrivedAtUs });
      await hasRoom?.();
    }
  };
  let arrivedAtUs = nowUs();
  for await (const chunk of chunks) {
    const pictures = cutter.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    // What ends with these bytes began with those before, in a stream that is cut by what follows.
    await hand(pictures, container === 'mjpeg' ? nowUs() : arrivedAtUs);
    arrivedAtUs = nowUs();
  }
  await hand(cutter.end(), arrivedAtUs);
}

/** The rate that the headers of the first picture state. */
function statedRate(container: VideoFormat['container'], bytes: Buffer): number | null {
  // A header is read to the next one.
  const stated = headerFrameRate(container, Buffer.concat([bytes, startCode]));
  return typeof stated === 'number' ? stated : null;
}

function nowUs(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}
