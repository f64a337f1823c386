import { expect, test } from 'vitest';
import { cocoLabels, cocoSchema } from '../../../src/cli/labels/coco-labels.ts';
import { createCocoJson } from '../../../src/formats/coco-json.ts';
import { answeredFrame, answeredSize } from '../../fixtures/answered-frame.ts';

const image = { id: 1, file_name: 'a.jpg', width: 4, height: 2 };
const annotation = { id: 9, image_id: 1, category_id: 1, bbox: [1, 0, 2, 2] };
const read = (more: object, categories: object[] = [{ id: 1, name: 'cat' }]) => {
  const annotations = [{ ...annotation, ...more }];
  const content = cocoSchema.parse({ images: [image], annotations, categories });
  return cocoLabels(content, 'labels.json')[0]?.objects[0];
};

test('what --format coco writes comes back with ids, classes and masks', () => {
  const content = createCocoJson();
  const frame = answeredFrame(3, [1, 2]);
  const [first, second] = frame.objects;
  content.add({ ...frame, objects: [{ ...first!, label: 'cat' }, second!] }, 'v/00003.jpg');
  const [picture, ...others] = cocoLabels(cocoSchema.parse(JSON.parse(content.text())), 'l.json');
  expect(others).toEqual([]);
  expect(picture).toEqual({
    fileName: 'v/00003.jpg',
    size: answeredSize,
    objects: [
      { id: 1, label: 'cat', prompts: { mask: first!.mask } },
      { id: 2, label: null, prompts: { mask: second!.mask } },
    ],
  });
});

test('outlines, run lengths as numbers, and boxes are taken', () => {
  const outline = [1, 0, 3, 0, 3, 2, 1, 2];
  expect(read({ segmentation: [outline] })?.prompts.mask).toMatchObject({ area: 4 });
  // Column by column: two pixels of the first one are background.
  const numbers = { size: [2, 4], counts: [2, 4, 2] };
  expect(read({ segmentation: numbers })?.prompts.mask).toEqual(
    read({ segmentation: [outline] })?.prompts.mask,
  );
  expect(read({ segmentation: [] })?.prompts).toEqual({ box: { x: 1, y: 0, width: 2, height: 2 } });
  expect(read({ segmentation: { size: [2, 4], counts: [8] } })).toBeUndefined();
});

test('CVAT’s track ids are ids', () => {
  expect(read({ attributes: { track_id: 5, occluded: false } })).toMatchObject({ id: 5 });
  expect(read({})).toMatchObject({ id: null });
});

test.each([
  [{ iscrowd: 1 }, 'labels.json: annotation 9: expected one object, got a crowd region'],
  [{ image_id: 7 }, 'expected a picture of the file, got 7'],
  [{ category_id: 7 }, 'expected a category of labels.json, got 7'],
  [
    { segmentation: { size: [3, 4], counts: [12] } },
    'expected a mask of the picture’s 4 x 2, got 4 x 3'.replace('’', "'"),
  ],
  [{ segmentation: { size: [2, 4], counts: [3] } }, 'must fill 4 x 2 pixels'],
  [{ segmentation: [[1, 2]] }, 'polygon must have 3 or more corners'],
])('%j is refused', (more, message) => {
  expect(() => read(more)).toThrow(message);
});
