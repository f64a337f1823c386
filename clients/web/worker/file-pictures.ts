/** Pictures of a video file in order, each with its presentation time. */
export type FilePictures = {
  /**
   * The picture of the frame at a time after the first one; null where the browser has none. Ask in
   * rising order.
   */
  at(timestampUs: number): Promise<ImageBitmap | null>;
  close(): void;
};

/** Times of one frame differ by rounding only, those of neighbours by at least a 240th second. */
const sameFrameUs = 2000;

/**
 * Decodes a file beside the server, so that each mask is shown over its own picture. What this browser
 * cannot show is told once, when it turns out; masks are then shown on plain ground.
 */
export async function openFilePictures(
  file: File,
  tell: (problem: string) => void,
): Promise<FilePictures | null> {
  const fail = (reason: string) => {
    tell(`${reason}: its masks are shown on plain ground`);
    return null;
  };
  try {
    // Loaded only for files: it weighs more than the rest of the page.
    const { ALL_FORMATS, BlobSource, Input, VideoSampleSink } = await import('mediabunny');
    const input = new Input({ source: new BlobSource(file), formats: ALL_FORMATS });
    const track = await input.getPrimaryVideoTrack();
    if (track === null) return fail('this browser cannot show the file, finds no video in it');
    if (!(await track.canDecode())) {
      return fail(
        `this browser cannot show ${(await track.getCodecParameterString()) ?? 'its codec'}`,
      );
    }
    const sink = new VideoSampleSink(track);
    if (await track.canBeTransparent()) leaveAlphaOut(sink);
    const samples = sink.samples();
    let isBroken = false;
    let held: { timestampUs: number; bitmap: ImageBitmap } | null = null;
    let firstUs: number | null = null;
    const next = async () => {
      const { value, done } = await samples.next();
      if (done || value === undefined) return null;
      // Drawn, not copied: rotation and pixel aspect are applied, as the server does.
      const canvas = new OffscreenCanvas(value.displayWidth, value.displayHeight);
      value.draw(canvas.getContext('2d')!, 0, 0, canvas.width, canvas.height);
      const timestampUs = Math.round(value.timestamp * 1e6);
      value.close();
      firstUs ??= timestampUs;
      return { timestampUs: timestampUs - firstUs, bitmap: canvas.transferToImageBitmap() };
    };
    return {
      async at(timestampUs) {
        for (;;) {
          if (isBroken) return null;
          try {
            held ??= await next();
          } catch (error) {
            // The server's decoder may well go on where this one does not.
            isBroken = true;
            return fail(`this browser cannot show more of the file (${textOf(error)})`);
          }
          if (held === null || held.timestampUs > timestampUs + sameFrameUs) return null;
          const { bitmap, timestampUs: heldUs } = held;
          held = null;
          if (heldUs >= timestampUs - sameFrameUs) return bitmap;
          bitmap.close();
        }
      },
      close() {
        held?.bitmap.close();
        samples.return().catch(() => undefined);
        input.dispose();
      },
    };
  } catch (error) {
    return fail(`this browser cannot show the file (${textOf(error)})`);
  }
}

/** The part of mediabunny (1.61) that has no public switch. */
type Decoders = {
  _createDecoder(...events: unknown[]): Promise<{
    decodeAlphaData(packet: unknown): void;
    pushNullAlphaFrame(): void;
  }>;
};

/**
 * Mediabunny merges transparency in workers made of blobs, which the page's policy forbids. The server
 * leaves it out, too.
 */
function leaveAlphaOut(sink: object): void {
  /* eslint-disable no-underscore-dangle -- mediabunny's own name */
  const decoders = sink as Decoders;
  const create = decoders._createDecoder.bind(sink);
  decoders._createDecoder = async (...events) => {
    const decoder = await create(...events);
    decoder.decodeAlphaData = () => decoder.pushNullAlphaFrame();
    return decoder;
  };
  /* eslint-enable no-underscore-dangle */
}

function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
}
