/*
 * Clips in which an object meets its like: a mirrored copy of a film's one object comes beside it,
 * stands behind it, touching, for the rest of the clip. With --apart the copy stays away.
 *
 *   node dist/tools/contest/make-twins.js FILMS OUT [--apart] [--clips NAME,NAME]
 *
 * FILMS holds the unpacked training set davis-train (NAME_00000.jpg and NAME_00000.0.png); OUT gets
 * NAME/clip.mp4 and NAME/masks/NNNNN.png (1 the object, 2 its twin) as `maskstream eval` takes them.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { maskFromBitmap } from '../../src/frame/mask.ts';
import { readIndexedPng, writeIndexedPng } from '../../src/formats/indexed-png.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { apart: { type: 'boolean', default: false }, clips: { type: 'string' } },
});
const [films = '', out = ''] = positionals;
/** Frames in which the twin comes nearer, and pixels between the two before, and where they are apart. */
const approachFrames = 12;
const farPixels = 48;
/** How near the twin comes, by where its outline would just touch in one row: under 1 in more rows. */
const contact = 0.75;

const names = [...new Set(readdirSync(films).map((file) => file.replace(/_\d{5}\..*$/, '')))];
for (const name of values.clips?.split(',') ?? names) makeClip(name);

function makeClip(name: string): void {
  const folder = join(out, name);
  mkdirSync(join(folder, 'masks'), { recursive: true });
  const frames = readdirSync(films).filter(
    (file) => file.startsWith(`${name}_`) && file.endsWith('.jpg'),
  );
  let side = 1;
  for (const [i, file] of frames.toSorted().slice(0, 48).entries()) {
    const number = String(i).padStart(5, '0');
    const gap = values.apart ? farPixels : Math.max(0, farPixels * (1 - i / approachFrames));
    // Beside it where there is more room on the first frame.
    if (i === 0) side = roomierSide(join(films, file));
    makeFrame(join(films, file), { folder, number, gap: Math.round(gap), side });
  }
  const pictures = join(folder, '%05d.ppm');
  const encode = '-c:v libx264 -crf 16 -pix_fmt yuv420p'.split(' ');
  const even = 'crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0';
  const words = ['-v', 'error', '-y', '-framerate', '24', '-i', pictures, '-vf', even, ...encode];
  execFileSync('ffmpeg', [...words, join(folder, 'clip.mp4')]);
  for (const file of readdirSync(folder)) if (file.endsWith('.ppm')) rmSync(join(folder, file));
}

function roomierSide(path: string): number {
  const map = path.replace(/jpg$/, '0.png');
  const { size, ids } = readIndexedPng(readFileSync(map), map);
  const { box } = maskFromBitmap(
    ids.map((id) => (id === 1 ? 1 : 0)),
    size,
  );
  return box === null || size.width - box.x - box.width > box.x ? 1 : -1;
}

function makeFrame(
  path: string,
  { folder, number, gap, side }: { folder: string; number: string; gap: number; side: number },
): void {
  const map = path.replace(/jpg$/, '0.png');
  const { size, ids } = readIndexedPng(readFileSync(map), map);
  const { width, height } = size;
  const raw = '-pix_fmt rgb24 -f rawvideo pipe:1'.split(' ');
  const pixels = execFileSync('ffmpeg', ['-v', 'error', '-i', path, ...raw], {
    maxBuffer: 64 * 1024 * 1024,
  });
  const picture = Buffer.from(pixels);
  const truth = ids.map((id) => (id === 1 ? 1 : 0));
  const { box } = maskFromBitmap(truth, size);
  if (box !== null) {
    const shift = Math.round(contact * nearestShift(truth, { width, height, side }));
    for (let y = box.y; y < box.y + box.height; y++) {
      for (let x = box.x; x < box.x + box.width; x++) {
        const mirrored = 2 * box.x + box.width - 1 - x;
        const to = mirrored + side * (shift + gap);
        if (truth[y * width + x] !== 1 || to < 0 || to >= width) continue;
        if (ids[y * width + to] === 1) continue;
        truth[y * width + to] = 2;
        pixels.copy(picture, 3 * (y * width + to), 3 * (y * width + x), 3 * (y * width + x) + 3);
      }
    }
  }
  const head = Buffer.from(`P6\n${width} ${height}\n255\n`);
  writeFileSync(join(folder, `${number}.ppm`), Buffer.concat([head, picture]));
  writeFileSync(join(folder, 'masks', `${number}.png`), writeIndexedPng({ size, ids: truth }));
}

/** How far the mirrored copy must move for its outline to touch the object's and nowhere overlap. */
function nearestShift(
  truth: Uint8Array,
  { width, height, side }: { width: number; height: number; side: number },
): number {
  const { box } = maskFromBitmap(truth, { width, height });
  if (box === null) return 0;
  let shift = 0;
  for (let y = box.y; y < box.y + box.height; y++) {
    const row = truth.subarray(y * width + box.x, y * width + box.x + box.width);
    const last = side > 0 ? row.lastIndexOf(1) : row.length - 1 - row.indexOf(1);
    // The copy's nearest pixel of this row is the object's own outermost one, mirrored.
    if (row.includes(1)) shift = Math.max(shift, 2 * last - row.length + 2);
  }
  return shift;
}
