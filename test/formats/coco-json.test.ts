import { expect, test } from 'vitest';
import { decodeCocoRle } from '../../src/frame/coco-rle.ts';
import { createCocoJson } from '../../src/formats/coco-json.ts';
import { answeredFrame, answeredSize } from '../fixtures/answered-frame.ts';

test('a frame is an image, an object with a mask an annotation', () => {
  const file = createCocoJson();
  const [seen, other] = answeredFrame(4, [1, 2]).objects;
  file.add({ ...answeredFrame(4, []), objects: [{ ...seen!, label: 'cat' }, other!] }, 'a.jpg');
  const { images, annotations, categories } = JSON.parse(file.text());
  expect(images).toEqual([{ id: 5, ...answeredSize, file_name: 'a.jpg' }]);
  expect(categories).toEqual([
    { id: 1, name: 'cat' },
    { id: 2, name: 'object' },
  ]);
  expect(annotations).toMatchObject([
    { id: 1, image_id: 5, category_id: 1, bbox: [4, 2, 3, 4], area: 12, track_id: 1 },
    { id: 2, image_id: 5, category_id: 2, bbox: [8, 2, 3, 4], area: 12, track_id: 2 },
  ]);
  const { counts, size } = annotations[0].segmentation;
  expect(size).toEqual([10, 16]);
  const mask = decodeCocoRle(new TextEncoder().encode(counts), answeredSize);
  expect(mask).toEqual(seen!.mask);
});

test('ids of a further input go on after the largest', () => {
  const file = createCocoJson();
  file.add(answeredFrame(0, []), 'a.jpg');
  file.add(answeredFrame(7, []), 'b.jpg');
  file.nextInput();
  file.add(answeredFrame(0, [1]), 'c.jpg');
  const { images, annotations } = JSON.parse(file.text());
  expect(images.map(({ id }: { id: number }) => id)).toEqual([1, 8, 9]);
  expect(annotations[0].image_id).toBe(9);
});
