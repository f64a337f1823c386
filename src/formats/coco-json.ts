import type { AnsweredFrame } from './answered-frame.ts';
import { createCategories } from './categories.ts';
import { compressedMask } from './compressed-mask.ts';

/** One COCO file of any number of inputs. */
export type CocoJson = {
  /**
   * Adds a frame as an image. The ids of one video are its frame indices + 1; those of a further input
   * go on after the largest.
   *
   * @param fileName the picture's name
   */
  add(frame: AnsweredFrame, fileName: string): void;
  /** What follows is another input. */
  nextInput(): void;
  /** The file. */
  text(): string;
};

/** Starts an empty file: an image a frame, an annotation for each object that has a mask on it. */
export function createCocoJson(): CocoJson {
  const categories = createCategories();
  const images: string[] = [];
  const annotations: string[] = [];
  let largestId = 0;
  let idsBefore = 0;
  return {
    add(frame, fileName) {
      const id = idsBefore + frame.frameIndex + 1;
      largestId = Math.max(largestId, id);
      images.push(JSON.stringify({ id, ...frame.size, file_name: fileName }));
      for (const { mask, box, label, ...object } of frame.objects) {
        if (box === null || object.area === 0) continue;
        annotations.push(
          JSON.stringify({
            id: annotations.length + 1,
            image_id: id,
            category_id: categories.idOf(label),
            segmentation: compressedMask(mask),
            bbox: [box.x, box.y, box.width, box.height],
            area: object.area,
            iscrowd: 0,
            score: object.confidence,
            track_id: object.objectId,
          }),
        );
      }
    },
    nextInput() {
      idsBefore = largestId;
    },
    text: () =>
      `{"images":[${images.join(',\n')}],\n"annotations":[${annotations.join(',\n')}],\n` +
      `"categories":${JSON.stringify(categories.list)}}\n`,
  };
}
