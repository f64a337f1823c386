import { expect, test } from 'vitest';
import { labelmeLabels, labelmeSchema } from '../../../src/cli/labels/labelme-labels.ts';
import { labelmeJson } from '../../../src/formats/labelme-json.ts';
import { answeredFrame, answeredSize } from '../../fixtures/answered-frame.ts';

const square = (x: number) => [
  [x, 0],
  [x + 2, 0],
  [x + 2, 2],
  [x, 2],
];
const shape = { label: 'cat', points: square(0), group_id: 1, shape_type: 'polygon' };
const read = (...shapes: object[]) => {
  const picture = {
    imagePath: '..\\photos\\a.jpg',
    imageHeight: 4,
    imageWidth: 8,
    imageData: null,
  };
  return labelmeLabels(labelmeSchema.parse({ ...picture, shapes }), 'a.json');
};

test('what --format labelme writes comes back with ids, classes and masks', () => {
  const frame = answeredFrame(0, [1, 2]);
  const [first, second] = frame.objects;
  const labelled = { ...frame, objects: [{ ...first!, label: 'cat' }, second!] };
  const content: unknown = JSON.parse(labelmeJson(labelled, '00000.jpg'));
  expect(labelmeLabels(labelmeSchema.parse(content), 'a.json')).toEqual({
    fileName: '00000.jpg',
    size: answeredSize,
    objects: [
      { id: 1, label: 'cat', prompts: { mask: first!.mask } },
      { id: 2, label: null, prompts: { mask: second!.mask } },
    ],
  });
});

test('polygons of one group are one object; each without a group is one of its own', () => {
  const { fileName, objects } = read(
    shape,
    { ...shape, points: square(4) },
    { ...shape, group_id: null },
    { ...shape, group_id: undefined },
  );
  expect(fileName).toBe('../photos/a.jpg');
  expect(objects.map(({ id, prompts }) => [id, prompts.mask?.area])).toEqual([
    [1, 8],
    [null, 4],
    [null, 4],
  ]);
});

test('rectangles are boxes whichever corner came first, points are clicks', () => {
  const corners = [
    [5, 3],
    [1, 1],
  ];
  const box = read({ ...shape, shape_type: 'rectangle', points: corners });
  expect(box.objects[0]?.prompts).toEqual({ box: { x: 1, y: 1, width: 4, height: 2 } });
  const points = read({ ...shape, shape_type: 'point', points: [[3, 2]] });
  expect(points.objects[0]?.prompts).toEqual({ points: [{ x: 3, y: 2, label: 'positive' }] });
});

test('other shapes and mixed groups are refused', () => {
  expect(() => read({ ...shape, shape_type: 'circle' })).toThrow(
    'a.json: "cat": expected a polygon, rectangle or point, got a circle',
  );
  expect(() => read(shape, { ...shape, shape_type: 'point' })).toThrow(
    'expected shapes of one type in group 1, got polygon and point',
  );
});
