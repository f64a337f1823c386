/** Size of the generated scene in pixels. */
export const sampleSize = { width: 640, height: 360 } as const;

/** Time between two frames. */
const frameMs = 1000 / 30;

/** Where the scene's two things are at a time. */
export type SampleTruth = {
  readonly disc: { readonly x: number; readonly y: number; readonly radius: number };
  readonly box: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  };
};

/** A disc that circles, and a box that crosses behind a post. */
export function sampleTruth(timeMs: number): SampleTruth {
  const t = timeMs / 1000;
  return {
    disc: { x: 220 + 90 * Math.cos(t * 0.9), y: 180 + 70 * Math.sin(t * 0.9), radius: 46 },
    box: { x: 300 + 200 * Math.sin(t * 0.5), y: 226, width: 96, height: 72 },
  };
}

/** Draws the scene at a time; the ground's pattern is fixed, so that flow has something to hold. */
export function drawSample(
  context: OffscreenCanvasRenderingContext2D,
  ground: ImageBitmap,
  timeMs: number,
): void {
  const { disc, box } = sampleTruth(timeMs);
  context.drawImage(ground, 0, 0);
  context.fillStyle = '#2f6fb7';
  context.fillRect(box.x, box.y, box.width, box.height);
  context.fillStyle = '#8fb8e8';
  for (let stripe = 0; stripe < 4; stripe++) {
    context.fillRect(box.x + 8 + stripe * 22, box.y + 10, 10, box.height - 20);
  }
  context.fillStyle = '#c8452f';
  context.beginPath();
  context.arc(disc.x, disc.y, disc.radius, 0, 2 * Math.PI);
  context.fill();
  context.fillStyle = '#f3d9b0';
  context.beginPath();
  context.arc(disc.x - 12, disc.y - 14, 12, 0, 2 * Math.PI);
  context.fill();
  context.fillStyle = '#3d4433';
  context.fillRect(452, 60, 34, 300);
}

/** A still picture of leaves and stones, the same on every visit. */
export async function sampleGround(): Promise<ImageBitmap> {
  const { width, height } = sampleSize;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#6f7d62';
  context.fillRect(0, 0, width, height);
  let seed = 20_261_128;
  // Numerical Recipes' generator: enough for a pattern.
  const next = () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  for (let blot = 0; blot < 900; blot++) {
    const grey = 70 + next() * 110;
    context.fillStyle = `rgb(${grey * 0.9} ${grey} ${grey * 0.75})`;
    context.beginPath();
    context.ellipse(
      next() * width,
      next() * height,
      3 + next() * 14,
      2 + next() * 7,
      next() * Math.PI,
      0,
      2 * Math.PI,
    );
    context.fill();
  }
  return await createImageBitmap(canvas);
}

/**
 * Frames of the scene at 30 a second, as a camera gives them, until `signal` aborts. Each is drawn when
 * somebody waits for it, who closes it.
 */
export function sampleFrames(signal: AbortSignal): ReadableStream<VideoFrame> {
  const canvas = new OffscreenCanvas(sampleSize.width, sampleSize.height);
  const context = canvas.getContext('2d')!;
  const startedMs = performance.now();
  let ground: ImageBitmap | null = null;
  let dueMs = startedMs;
  return new ReadableStream<VideoFrame>(
    {
      async pull(controller) {
        ground ??= await sampleGround();
        dueMs = Math.max(performance.now(), dueMs + frameMs);
        await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()));
        if (signal.aborted) {
          controller.close();
          return;
        }
        const nowMs = performance.now();
        drawSample(context, ground, nowMs - startedMs);
        controller.enqueue(new VideoFrame(canvas, { timestamp: Math.round(nowMs * 1000) }));
      },
    },
    { highWaterMark: 0 },
  );
}
