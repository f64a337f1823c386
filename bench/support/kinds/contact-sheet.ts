import { encode } from 'fast-png';
import type { RgbPicture } from '../../../src/cli/output/draw-overlay.ts';
import { drawOverlay, drawText } from '../../../src/cli/output/draw-overlay.ts';
import { paintStyle } from '../../../src/cli/output/overlay-style.ts';
import type { TrueMasks } from '../../../src/evaluation/clips.ts';
import type { AnsweredFrame } from '../../../src/formats/answered-frame.ts';

/** One picture of a sheet. */
export type SheetFrame = {
  readonly picture: RgbPicture;
  readonly answer: AnsweredFrame;
  readonly truth: TrueMasks;
};

const columns = 4;
const captionHeight = 9;
const white = [255, 255, 255] as const;
const black = [0, 0, 0] as const;

/** Indices of the frames that a sheet shows: evenly spread, the last one among them. */
export function sheetFrames(frameCount: number, count = 16): number[] {
  const shown = Math.min(count, frameCount);
  return Array.from({ length: shown }, (_, i) =>
    shown === 1 ? 0 : Math.round((i * (frameCount - 1)) / (shown - 1)),
  );
}

/**
 * A PNG with one picture after another: answered masks, the outline of the true ones in white, and
 * what is said of objects without a mask.
 */
export function contactSheet(frames: readonly SheetFrame[]): Uint8Array {
  const { width, height } = frames[0]?.picture.size ?? { width: 1, height: 1 };
  const rows = Math.ceil(frames.length / columns);
  const sheet = new Uint8Array(3 * columns * width * rows * height);
  for (const [index, frame] of frames.entries()) {
    const { data } = drawFrame(frame);
    const left = (index % columns) * width;
    const top = Math.floor(index / columns) * height;
    for (let y = 0; y < height; y++) {
      const line = data.subarray(3 * y * width, 3 * (y + 1) * width);
      sheet.set(line, 3 * ((top + y) * columns * width + left));
    }
  }
  return encode({ width: columns * width, height: rows * height, data: sheet, channels: 3 });
}

function drawFrame({ picture, answer, truth }: SheetFrame): RgbPicture {
  const drawn = { size: picture.size, data: Uint8Array.from(picture.data) };
  drawOverlay(drawn, answer);
  const masks = [...truth.objects.values()].map((mask) => ({ mask, colour: white }));
  paintStyle(drawn, masks, 'outline');
  const hidden = answer.objects
    .filter(({ area }) => area === 0)
    .map(({ objectId, state, confidence }) => `${objectId} ${state} ${confidence.toFixed(3)}`);
  const caption = [`frame ${answer.frameIndex}`, ...hidden].join('  ');
  drawText(drawn, caption, { x: 0, y: picture.size.height - captionHeight, scale: 1 }, black);
  return drawn;
}
