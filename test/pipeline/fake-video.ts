import { SegmentationError } from '../../src/frame/errors.ts';
import { FramePool, liveFrames, type Frame } from '../../src/frame/frame.ts';
import type { Box, Size } from '../../src/frame/geometry.ts';
import { maskFromBitmap, type Mask } from '../../src/frame/mask.ts';
import type { FrameTask } from '../../src/pipeline/frame-task.ts';
import type { Decode, DecodeEvent } from '../../src/frame/ports.ts';

/** A bright, textured square; `band` says how bright, which is how the fake model knows it. */
export type Square = {
  readonly band: 1 | 2;
  readonly x: number;
  readonly y: number;
  readonly side: number;
};

/** A synthetic video: every chunk that goes in is one frame that comes out. */
export type Scene = {
  readonly squares: (frameIndex: number) => readonly Square[];
  readonly size: (frameIndex: number) => Size;
  readonly timestampUs: (frameIndex: number) => number;
  /** Texture of the background: another value is another scene. */
  readonly background: (frameIndex: number) => number;
};

export const sceneSize: Size = { width: 96, height: 64 };

/** A square of 20 pixels that moves one pixel to the right with every frame. */
export const movingSquare: Scene = {
  squares: (frameIndex) => [{ band: 1, x: 16 + frameIndex, y: 20, side: 20 }],
  size: () => sceneSize,
  timestampUs: (frameIndex) => frameIndex * 40_000,
  background: () => 0,
};

/** Two small squares that stay where they are, `boxes` around them. */
export const twoSquares = {
  ...movingSquare,
  squares: () => [
    { band: 1, x: 8, y: 20, side: 12 },
    { band: 2, x: 48, y: 30, side: 12 },
  ],
  boxes: [
    { x: 8, y: 20, width: 12, height: 12 },
    { x: 48, y: 30, width: 12, height: 12 },
  ],
} as const satisfies Scene & { readonly boxes: readonly Box[] };

/** The rest of a frame's task where nothing else happens on it. */
export const uneventful = {
  updates: [],
  sizeChanged: false,
  resumed: false,
  framesDroppedBefore: 0,
  captureTimestampUs: null,
  revision: 0,
} as const satisfies Omit<FrameTask, 'frame' | 'queuedAtMs'>;

/** The true mask of one band at a frame's size. */
export function trueMask(scene: Scene, frameIndex: number, band: 1 | 2): Mask {
  const size = scene.size(frameIndex);
  const bitmap = new Uint8Array(size.width * size.height);
  for (let at = 0; at < bitmap.length; at++) {
    const x = at % size.width;
    const y = (at - x) / size.width;
    if (bandAt(scene.squares(frameIndex), x, y) === band) bitmap[at] = 1;
  }
  return maskFromBitmap(bitmap, size);
}

/** Paints one frame of a scene. The caller closes it. */
export function paintScene(scene: Scene, frameIndex: number, pool = new FramePool()): Frame {
  const size = scene.size(frameIndex);
  const frame = pool.create({
    index: frameIndex,
    timestampUs: scene.timestampUs(frameIndex),
    timestampSynthetic: false,
    analysis: size,
    display: size,
    decodedAtMs: performance.now(),
  });
  const squares = scene.squares(frameIndex);
  const phase = scene.background(frameIndex);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      frame.data[y * size.width + x] = lumaAt(squares, phase, { x, y });
    }
  }
  frame.data.fill(128, size.width * size.height);
  return frame;
}

function bandAt(squares: readonly Square[], x: number, y: number): 0 | 1 | 2 {
  const top = squares.findLast(
    (square) =>
      x >= square.x && y >= square.y && x < square.x + square.side && y < square.y + square.side,
  );
  return top?.band ?? 0;
}

function lumaAt(
  squares: readonly Square[],
  phase: number,
  { x, y }: { x: number; y: number },
): number {
  const top = squares.findLast(
    (square) =>
      x >= square.x && y >= square.y && x < square.x + square.side && y < square.y + square.side,
  );
  if (!top && phase === 0) return 60 + 25 * Math.sin(x / 2.3) * Math.cos(y / 3.1);
  if (!top) return 10 + (noise(x >> 1, y >> 1, phase) % 100);
  const texture = 12 * Math.sin((x - top.x) / 1.7) * Math.cos((y - top.y) / 2.1);
  return (top.band === 1 ? 150 : 215) + texture;
}

function noise(x: number, y: number, seed: number): number {
  const mixed = Math.imul(x * 73_856_093 + y * 19_349_663 + seed * 83_492_791, 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) >>> 8;
}

/** What the tests see of the decoder. */
export type DecodeWatch = {
  framesDecoded: number;
  /** Most frames alive at the same time, counted when one is made. */
  mostAlive: number;
  ended: boolean;
};

/** What goes wrong, and where. */
export type DecodeTrouble = {
  /** Throws this instead of the frame with this index. */
  readonly failAt?: { readonly frameIndex: number; readonly error: unknown };
  /** Says so before the frame with this index. */
  readonly warnAt?: number;
  /** Says so after the last frame. */
  readonly truncated?: boolean;
  /** Waits for this before it makes a frame. */
  readonly beforeFrame?: (frameIndex: number) => Promise<void>;
};

/** A decoder of {@link Scene}: one frame per chunk, one chunk at a time, ended by the signal. */
export function fakeDecode(scene: Scene, watch: DecodeWatch, trouble: DecodeTrouble = {}): Decode {
  const pool = new FramePool();
  return async function* (chunks, options): AsyncGenerator<DecodeEvent, void, undefined> {
    const { signal, framesSkippedBefore } = options;
    let decoded = 0;
    let frameIndex = 0;
    let size: Size | null = null;
    try {
      for await (const chunk of chunks) {
        if (chunk.length === 0) continue;
        frameIndex = decoded + (framesSkippedBefore?.(decoded) ?? 0);
        await trouble.beforeFrame?.(frameIndex);
        if (signal.aborted) throw new SegmentationError('cancelled', 'decoding was cancelled');
        if (trouble.failAt?.frameIndex === frameIndex) throw trouble.failAt.error;
        if (trouble.warnAt === frameIndex) yield { kind: 'warning', message: 'a damaged picture' };
        const next = scene.size(frameIndex);
        if (size?.width !== next.width || size.height !== next.height) {
          size = next;
          const format = { fromFrameIndex: frameIndex, display: size, analysis: size };
          yield { kind: 'format', format: { ...format, frameRate: 25, codec: 'fake' } };
        }
        const frame = paintScene(scene, frameIndex, pool);
        decoded++;
        watch.framesDecoded++;
        watch.mostAlive = Math.max(watch.mostAlive, liveFrames());
        yield { kind: 'frame', frame };
      }
      if (signal.aborted) throw new SegmentationError('cancelled', 'decoding was cancelled');
      if (decoded === 0) throw new SegmentationError('empty-stream', 'expected video, got none');
      if (trouble.truncated) yield { kind: 'truncated', message: 'the file ends early' };
    } finally {
      watch.ended = true;
    }
  };
}
