import type { AnsweredFrame } from './answered-frame.ts';
import { bridgedOutline } from './bridged-outline.ts';

/**
 * One picture's labelme file: a polygon for each object that has a mask; `group_id` is the object's id.
 *
 * @param imagePath the picture's name, as labelme looks for it beside the file
 */
export function labelmeJson(frame: AnsweredFrame, imagePath: string): string {
  const shapes = frame.objects.flatMap(({ objectId, label, mask, area }) =>
    area === 0
      ? []
      : [
          {
            label: label ?? `object ${objectId}`,
            points: pairs(bridgedOutline(mask)),
            group_id: objectId,
            description: '',
            shape_type: 'polygon',
            flags: {},
          },
        ],
  );
  const { width, height } = frame.size;
  const content = {
    version: '5.5.0',
    flags: {},
    shapes,
    imagePath,
    imageData: null,
    imageHeight: height,
    imageWidth: width,
  };
  return `${JSON.stringify(content, null, 1)}\n`;
}

function pairs(numbers: readonly number[]): number[][] {
  return numbers.flatMap((x, index) => (index % 2 === 0 ? [[x, numbers[index + 1] ?? 0]] : []));
}
