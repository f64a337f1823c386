import { describe, expect, test } from 'vitest';
import { labelPrompts, largestLabelId } from '../../../src/cli/labels/label-prompts.ts';
import type { LabelledPicture } from '../../../src/cli/labels/labelled-picture.ts';
import type { Input } from '../../../src/cli/segment/inputs.ts';

const size = { width: 8, height: 4 };
const box = { x: 1, y: 1, width: 2, height: 2 };
const picture = (fileName: string, ...ids: (number | null)[]): LabelledPicture => ({
  fileName,
  size,
  objects: ids.map((id) => ({ id, label: 'cat', prompts: { box } })),
});
const video = (name: string): Input => ({
  kind: 'video',
  name,
  source: { kind: 'file', path: `/${name}.mp4` },
  container: 'mp4',
});
const image = (path: string, name: string): Input => ({
  kind: 'image',
  name,
  source: { kind: 'file', path },
});
const plan = (pictures: LabelledPicture[], inputs: Input[], every: number | null = null) =>
  labelPrompts({ file: 'l.json', pictures }, inputs, every);

/** Frame, id and action of each prompt. */
const short = (input: Input, planned: ReturnType<typeof plan>) =>
  planned
    .get(input)
    ?.prompts.map(({ at, objectId, action }) => [
      at.kind === 'frame' ? at.frameIndex : at.kind,
      objectId,
      action,
    ]);

test('the number in a name is the frame; an object is added once, then replaced', () => {
  const input = video('v');
  const pictures = [picture('00012.jpg', 1, 3), picture('frame_000002.png', 3), picture('x/7.jpg')];
  const planned = plan(pictures, [input]);
  expect(short(input, planned)).toEqual([
    [2, 3, 'add'],
    [12, 1, 'add'],
    [12, 3, 'replace'],
  ]);
  expect(planned.get(input)).toMatchObject({ size, every: 1 });
  expect(planned.get(input)?.prompts[0]).toMatchObject({ label: 'cat', prompts: { box } });
});

test('of several inputs the folder of a name says which; images go by their own', () => {
  const inputs = [video('v'), video('w'), image('/a/p.jpg', 'p'), image('/b/p.jpg', 'p-2')];
  const pictures = [picture('w/00001.jpg', 1), picture('p.jpg', 2), picture('p-2.jpg', 4)];
  const planned = plan(pictures, inputs);
  expect(inputs.map((input) => short(input, planned))).toEqual([
    undefined,
    [[1, 1, 'add']],
    [[0, 2, 'add']],
    [[0, 4, 'add']],
  ]);
});

test('a sequence goes by the names of its pictures', () => {
  const input: Input = { kind: 'sequence', name: 's', files: ['/s/b9.png', '/s/b10.png'] };
  expect(short(input, plan([picture('b10.png', 1)], [input]))).toEqual([[1, 1, 'add']]);
  expect(() => plan([picture('b11.png', 1)], [input])).toThrow('got "b11.png"');
});

test('objects without an id are numbered on a single frame, past those that have one', () => {
  const input = video('v');
  expect(short(input, plan([picture('0.jpg', null, 1, null)], [input]))).toEqual([
    [0, 2, 'add'],
    [0, 1, 'add'],
    [0, 3, 'add'],
  ]);
  expect(largestLabelId({ file: '', pictures: [picture('0.jpg', null, 1, null)] })).toBe(3);
});

test('more frames than a server holds are thinned, each object’s first one kept', () => {
  const input = video('v');
  const pictures = Array.from({ length: 500 }, (_, frame) => picture(`${frame}.jpg`, 1));
  pictures[333] = picture('333.jpg', 1, 2);
  const planned = plan(pictures, [input]).get(input);
  expect(planned?.every).toBe(3);
  expect(planned?.prompts.length).toBeLessThanOrEqual(240);
  expect(planned?.prompts.filter(({ objectId }) => objectId === 2)).toHaveLength(1);
  expect(plan(pictures, [input], 100).get(input)?.prompts).toHaveLength(6);
});

describe('refused is', () => {
  const input = video('v');
  test.each([
    [
      [picture('cover.jpg', 1)],
      'l.json: expected names of pictures among the inputs, or NNNNN.jpg',
    ],
    [
      [picture('0.jpg', null), picture('1.jpg', null)],
      'expected a track_id (labelme: group_id) for each object, as several frames are labelled',
    ],
    [[picture('0.jpg', 0)], 'expected object ids of 1 to 255, got 0 in 0.jpg'],
    [[picture('0.jpg', 2, 2)], 'expected object 2 once in 0.jpg, got it again'],
    [
      [picture('0.jpg', 1), { ...picture('1.jpg', 1), size: { width: 9, height: 4 } }],
      'l.json: v: expected pictures of one size, got 8 x 4 and 9 x 4',
    ],
  ])('case %#', (pictures, message) => {
    expect(() => plan(pictures, [input])).toThrow(message);
  });
});
