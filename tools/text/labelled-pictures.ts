import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Size } from '../../src/frame/geometry.ts';
import { readIndexedPng } from '../../src/formats/indexed-png.ts';

/** A picture in which every pixel has a label, and what the labels say of some nouns. */
export type LabelledPicture = {
  readonly set: string;
  readonly name: string;
  readonly image: Uint8Array;
  readonly size: Size;
  /** One a pixel, row-major. */
  readonly labels: Uint8Array;
  /** Labels that are the noun; all others are not, apart from `unknown`. */
  readonly nouns: ReadonlyMap<string, readonly number[]>;
  readonly unknown: readonly number[];
};

type PictureSet = Pick<LabelledPicture, 'nouns' | 'unknown'> & {
  /** Pictures that the shipped text head has not seen; see training/maskstream_training/text/prepare.py. */
  readonly isHeldOut: (name: string, index: number) => boolean;
};

const everyTenth = (_: string, index: number): boolean => index % 10 === 9;

/** What the labels of each set mean; the same tables as training/maskstream_training/text/vocabulary.py. */
const sets: Readonly<Record<string, PictureSet>> = {
  camvid: {
    isHeldOut: (name) => name.startsWith('0001TP'),
    unknown: [11],
    nouns: new Map(
      [
        'building',
        'pole',
        'road',
        'pavement',
        'tree',
        'sign',
        'fence',
        'car',
        'person',
        'bicyclist',
      ].map((noun, i) => [noun, [i + 1]] as const),
    ),
  },
  ccp: {
    isHeldOut: everyTenth,
    unknown: [],
    nouns: new Map([
      ['person', Array.from({ length: 58 }, (_, i) => i + 1)],
      ['bag', [2, 33]],
      ['shoes', [7, 12, 16, 21, 28, 32, 36, 39, 43, 58]],
      ['trousers', [25, 27, 31]],
      ['hair', [19]],
    ]),
  },
  human290: { isHeldOut: everyTenth, unknown: [], nouns: new Map([['person', [1]]]) },
  carparts: {
    isHeldOut: everyTenth,
    unknown: [],
    nouns: new Map([
      ['wheel', [18]],
      ['door', [3, 5, 9, 11]],
      ['bumper', [1, 7]],
      ['mirror', [14, 15]],
      ['bonnet', [13]],
    ]),
  },
};

/** Held-out pictures of unpacked sets below `folder`, every `step`-th one. */
export function* labelledPictures(folder: string, step: number): Generator<LabelledPicture> {
  for (const set of readdirSync(folder).filter((name) => name in sets)) {
    const { isHeldOut, nouns, unknown } = sets[set]!;
    const files = readdirSync(join(folder, set)).filter((name) => name.endsWith('.jpg'));
    const chosen = files.toSorted().filter(isHeldOut);
    for (const file of chosen.filter((_, i) => i % step === 0)) {
      const map = join(folder, set, file.replace(/jpg$/, '0.png'));
      const { size, ids: labels } = readIndexedPng(readFileSync(map), map);
      const image = readFileSync(join(folder, set, file));
      yield { set, name: file, image, size, labels, nouns, unknown };
    }
  }
}
