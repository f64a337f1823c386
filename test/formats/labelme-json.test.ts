import { expect, test } from 'vitest';
import { labelmeJson } from '../../src/formats/labelme-json.ts';
import { answeredFrame } from '../fixtures/answered-frame.ts';

test('an object is a polygon on pixel corners with its id as group', () => {
  expect(JSON.parse(labelmeJson(answeredFrame(0, [2]), '00000.jpg'))).toMatchObject({
    imagePath: '00000.jpg',
    imageData: null,
    imageWidth: 16,
    imageHeight: 10,
    shapes: [
      {
        label: 'object 2',
        group_id: 2,
        shape_type: 'polygon',
        points: expect.arrayContaining([
          [8, 2],
          [11, 2],
          [11, 6],
          [8, 6],
        ]),
      },
    ],
  });
});
