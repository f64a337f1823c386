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
 * Decodes a file beside the server, so that each mask is shown over its own picture. Resolves with
 * null where this browser cannot show it, and why; masks are then shown on plain ground.
 */
export async function openFilePictures(
  file: File,
): Promise<FilePictures | { readonly problem: string }> {
  try {
    // Loaded only for files: it weighs more than the rest of the page.
    const { ALL_FORMATS, BlobSource, Input, VideoSampleSink } = await import('mediabunny');
    const input = new Input({ source: new BlobSource(file), formats: ALL_FORMATS });
    const track = await input.getPrimaryVideoTrack();
    if (track === null) return { problem: 'the file has no video' };
    if (!(await track.canDecode())) {
      return {
        problem: `this browser cannot show ${(await track.getCodecParameterString()) ?? 'its codec'}`,
      };
    }
    const samples = new VideoSampleSink(track).samples();
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
          held ??= await next();
          if (held === null || held.timestampUs > timestampUs + sameFrameUs) return null;
          const { bitmap, timestampUs: heldUs } = held;
          held = null;
          if (heldUs >= timestampUs - sameFrameUs) return bitmap;
          bitmap.close();
        }
      },
      close() {
        held?.bitmap.close();
        void samples.return();
        input.dispose();
      },
    };
  } catch (error) {
    return {
      problem: `this browser cannot show the file: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}
