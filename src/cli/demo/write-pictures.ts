import { writeFile } from 'node:fs/promises';
import { encode } from 'fast-png';
import type { FfmpegBinary } from '../../video/index.ts';
import { decodeRgb, encodeVideo } from '../../video/index.ts';
import type { RgbPicture } from '../output/draw-overlay.ts';
import { drawOverlay, drawText } from '../output/draw-overlay.ts';
import type { Scene } from './scene.ts';
import type { JudgedFrame } from './stream-camera.ts';

const black = [0, 0, 0] as const;
/** Tiles of the contact sheet; each is half as wide and high as the video. */
const sheet = { columns: 3, rows: 2 } as const;

/**
 * Draws the answers onto the video as the server saw it: an overlay MP4, and a contact sheet PNG of
 * frames that are equally far apart.
 */
export async function writePictures(options: {
  readonly ffmpeg: FfmpegBinary;
  readonly scene: Scene;
  readonly pieces: readonly Uint8Array[];
  readonly frames: readonly JudgedFrame[];
  readonly overlayFile: string;
  readonly sheetFile: string;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { ffmpeg, scene, pieces, signal } = options;
  const { width, height } = scene.size;
  const answers = new Map(options.frames.map((judged) => [judged.frame.frameIndex, judged]));
  const tiles = sheet.columns * sheet.rows;
  // Past the first frame, where the mask is fresh from its prompt, up to the last.
  const chosen = Array.from({ length: tiles }, (_, index) =>
    Math.round((index * (scene.frameCount - 1)) / (tiles - 1)),
  );
  const contact = createSheet(scene);
  const encoding = { ffmpeg, width, height, frameRate: scene.frameRate, signal };
  await using encoder = await encodeVideo({ ...encoding, path: options.overlayFile });
  const decoding = { ffmpeg, container: 'mp4', frameRate: null, signal } as const;
  for await (const { index, timestampUs, size, data } of decodeRgb(inOrder(pieces), decoding)) {
    const picture = { size, data };
    drawAnswer(picture, index, answers.get(index));
    const tile = chosen.indexOf(index);
    if (tile >= 0) addTile(contact, picture, tile);
    await encoder.write(data, timestampUs);
  }
  await encoder.finish();
  const png = encode({ ...contact.size, data: contact.data, channels: 3, depth: 8 });
  await writeFile(options.sheetFile, png);
}

function drawAnswer(picture: RgbPicture, index: number, judged: JudgedFrame | undefined): void {
  const at = { x: 4, y: 4, scale: 2 };
  if (judged === undefined) {
    drawText(picture, `frame ${index} skipped`, at, black);
    return;
  }
  drawOverlay(picture, judged.frame);
  const ious = judged.ious.map((iou) => iou.toFixed(2)).join(' ');
  drawText(picture, `frame ${index} ${judged.frame.source}, true IoU ${ious}`, at, black);
}

function createSheet({ size }: Scene): RgbPicture {
  const width = (size.width / 2) * sheet.columns;
  const height = (size.height / 2) * sheet.rows;
  return { size: { width, height }, data: new Uint8Array(width * height * 3) };
}

/** Halves a picture by the mean of 2 x 2 pixels and puts it where its number belongs. */
function addTile(contact: RgbPicture, picture: RgbPicture, tile: number): void {
  const width = picture.size.width / 2;
  const height = picture.size.height / 2;
  const left = (tile % sheet.columns) * width;
  const top = Math.floor(tile / sheet.columns) * height;
  const rowBytes = picture.size.width * 3;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const to = ((top + y) * contact.size.width + left + x) * 3;
      const from = 2 * y * rowBytes + 6 * x;
      for (let channel = 0; channel < 3; channel++) {
        const at = from + channel;
        const below = at + rowBytes;
        const { data } = picture;
        const sum = data[at]! + data[at + 3]! + data[below]! + data[below + 3]!;
        contact.data[to + channel] = sum / 4;
      }
    }
  }
}

async function* inOrder(pieces: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* pieces;
}
