import type { AnsweredFrame } from './answered-frame.ts';
import { bridgedOutline } from './bridged-outline.ts';
import type { Categories } from './categories.ts';

/** Enough for a tenth of a pixel in the largest picture. */
const digits = 6;

/**
 * One picture's YOLO segmentation file: a line for each object that has a mask, with its class (counted
 * from 0) and its outline in shares of the picture's sides.
 */
export function yoloText(frame: AnsweredFrame, categories: Categories): string {
  const { width, height } = frame.size;
  return frame.objects
    .filter(({ area }) => area > 0)
    .map(({ label, mask }) => {
      const corners = bridgedOutline(mask).map((value, index) =>
        String(Number((value / (index % 2 === 0 ? width : height)).toFixed(digits))),
      );
      return `${[categories.idOf(label) - 1, ...corners].join(' ')}\n`;
    })
    .join('');
}

/** `data.yaml` beside the labels: what the classes are called. */
export function yoloDataYaml(categories: Categories): string {
  const names = categories.list.map(({ id, name }) => `  ${id - 1}: ${JSON.stringify(name)}\n`);
  return `path: .\ntrain: images\nval: images\nnames:\n${names.join('')}`;
}
