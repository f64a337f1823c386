import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Colour } from '../../../src/cli/demo/scene-layers.ts';
import { distancePeak } from '../../../src/evaluation/distance-peak.ts';
import { readIndexedPng } from '../../../src/formats/indexed-png.ts';
import { connectedParts } from '../../../src/frame/connected-parts.ts';
import { usageError } from '../../../src/frame/errors.ts';
import type { Size } from '../../../src/frame/geometry.ts';
import { maskFromBitmap, type Mask } from '../../../src/frame/mask.ts';
import type { FfmpegBinary } from '../../../src/video/index.ts';
import { randomNumbers } from '../random-numbers.ts';
import type { Actor } from './actor.ts';

/** rgb24 pixels, row-major. */
export type Photograph = { readonly size: Size; readonly data: Uint8Array };

/** Objects cut out of photographs, and photographs to stand behind them. */
export type PhotoActors = {
  readonly actors: readonly Actor[];
  readonly grounds: readonly Photograph[];
};

/** Of the photograph: a smaller object has no detail, a larger one is mostly cut by the border. */
const areaRange = { least: 0.05, most: 0.5 } as const;
/** Of an object's pixels that hang together. */
const leastWholeRatio = 0.95;
/** Region maps say so of pixels that belong to nothing in particular. */
const ignoredId = 255;

/**
 * Cuts objects out of a folder of photographs NAME.jpg with region maps NAME.0.png, whose values are
 * ids from 1. Only whole objects that keep clear of the border are taken. Every second photograph that
 * is used is a ground. The same seed gives the same ones.
 *
 * @throws SegmentationError `usage` where the folder has too few
 */
export async function readPhotoActors(
  folder: string,
  wanted: {
    readonly actors: number;
    readonly grounds: number;
    readonly seed: number;
    readonly ffmpeg: FfmpegBinary;
  },
): Promise<PhotoActors> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.0.png'));
  const names = shuffled(
    files.map((name) => name.slice(0, -'.0.png'.length)).toSorted(),
    wanted.seed,
  );
  const actors: Actor[] = [];
  const grounds: Photograph[] = [];
  for (const [index, name] of names.entries()) {
    if (actors.length >= wanted.actors && grounds.length >= wanted.grounds) break;
    const map = readIndexedPng(await readFile(join(folder, `${name}.0.png`)), name);
    if (index % 2 === 1 && grounds.length < wanted.grounds) {
      grounds.push(await readPhotograph(join(folder, `${name}.jpg`), map.size, wanted.ffmpeg));
      continue;
    }
    const cut = actors.length < wanted.actors ? largestWhole(map.ids, map.size) : null;
    if (cut === null) continue;
    const photograph = await readPhotograph(join(folder, `${name}.jpg`), map.size, wanted.ffmpeg);
    actors.push(actorFrom(photograph, cut));
  }
  if (actors.length < wanted.actors || grounds.length < wanted.grounds) {
    const found = `${actors.length} objects and ${grounds.length} grounds`;
    throw usageError(
      `--photographs: expected ${wanted.actors} whole objects and ${wanted.grounds} grounds in ${folder}, got ${found}`,
    );
  }
  return { actors, grounds };
}

/** A photograph's object as an actor; the circle about its box has radius 1. */
export function actorFrom({ size, data }: Photograph, mask: Mask): Actor {
  const { box } = mask;
  if (box === null) throw new Error('expected a mask with pixels');
  const radius = Math.hypot(box.width, box.height) / 2;
  const [middleX, middleY] = [box.x + box.width / 2, box.y + box.height / 2];
  const peak = distancePeak(mask.bits, box) ?? { x: 0, y: 0 };
  return {
    core: {
      x: (box.x + peak.x + 0.5 - middleX) / radius,
      y: (box.y + peak.y + 0.5 - middleY) / radius,
      radius: coreRadius(mask, peak) / radius,
    },
    inside: (x, y) => {
      const column = Math.floor(middleX + x * radius - box.x);
      const row = Math.floor(middleY + y * radius - box.y);
      const isBeyond = column < 0 || row < 0 || column >= box.width || row >= box.height;
      return !isBeyond && mask.bits[row * box.width + column] === 1;
    },
    colour: (x, y) => pixelAt({ size, data }, middleX + x * radius, middleY + y * radius),
  };
}

/** The nearest pixel; beyond its border a photograph is mirrored. */
export function pixelAt({ size, data }: Photograph, x: number, y: number): Colour {
  const at = 3 * (mirrored(y, size.height) * size.width + mirrored(x, size.width));
  return [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0];
}

function mirrored(place: number, length: number): number {
  const turn = ((Math.floor(place) % (2 * length)) + 2 * length) % (2 * length);
  return turn < length ? turn : 2 * length - 1 - turn;
}

/** Distance in pixels from a mask's innermost pixel to the nearest one outside. */
function coreRadius({ box, bits }: Mask, peak: { readonly x: number; readonly y: number }): number {
  const { width = 0, height = 0 } = box ?? {};
  let least = Math.min(peak.x + 1, peak.y + 1, width - peak.x, height - peak.y);
  for (let at = 0; at < bits.length; at++) {
    if (bits[at] === 1) continue;
    const distance = Math.hypot((at % width) - peak.x, Math.floor(at / width) - peak.y);
    least = Math.min(least, distance);
  }
  return least;
}

/** The largest object that is whole and keeps clear of the border; null: none. */
function largestWhole(ids: Uint8Array, size: Size): Mask | null {
  const masks = [...new Set(ids)]
    .filter((id) => id !== 0 && id !== ignoredId)
    .map((id) =>
      maskFromBitmap(
        Uint8Array.from(ids, (own) => (own === id ? 1 : 0)),
        size,
      ),
    )
    .filter(({ area }) => {
      const ratio = area / ids.length;
      return ratio >= areaRange.least && ratio <= areaRange.most;
    });
  const whole = masks.filter((mask) => isClear(mask) && isWhole(mask));
  return whole.toSorted((a, b) => b.area - a.area)[0] ?? null;
}

function isClear({ box, size }: Mask): boolean {
  if (box === null) return false;
  const [right, bottom] = [box.x + box.width, box.y + box.height];
  return box.x > 1 && box.y > 1 && right < size.width - 1 && bottom < size.height - 1;
}

function isWhole({ bits, box, area }: Mask): boolean {
  if (box === null) return false;
  const largest = Math.max(...[...connectedParts(bits, box, 4)].map(({ length }) => length));
  return largest >= leastWholeRatio * area;
}

async function readPhotograph(file: string, size: Size, ffmpeg: FfmpegBinary): Promise<Photograph> {
  const words = ['-v', 'error', '-i', file, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'];
  const maxBuffer = 3 * size.width * size.height;
  const run = promisify(execFile);
  const { stdout } = await run(ffmpeg.path, words, { encoding: 'buffer', maxBuffer });
  if (stdout.length === maxBuffer) return { size, data: stdout };
  throw usageError(`${file}: expected ${size.width} x ${size.height} pixels, as its map has`);
}

function shuffled(names: readonly string[], seed: number): string[] {
  const random = randomNumbers(seed);
  return names
    .map((name) => ({ name, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ name }) => name);
}
