import { expect, test } from 'vitest';
import { ytvisLabels, ytvisSchema } from '../../../src/cli/labels/ytvis-labels.ts';
import { createYtvisJson } from '../../../src/formats/ytvis-json.ts';
import { answeredFrame, answeredSize } from '../../fixtures/answered-frame.ts';

const read = (content: unknown) => ytvisLabels(ytvisSchema.parse(content), 'labels.json');
const video = { id: 1, width: 4, height: 2, file_names: ['v/0.jpg', 'v/5.jpg'] };
const categories = [{ id: 1, name: 'cat' }];
const whole = { size: [2, 4], counts: [0, 8] };
const track = { video_id: 1, category_id: 1, segmentations: [null, whole] };

test('what --format ytvis writes comes back with ids, classes and masks', () => {
  const content = createYtvisJson();
  content.nextInput();
  const frames = [answeredFrame(0, [2]), answeredFrame(1, [1, 2]), answeredFrame(2, [])];
  for (const frame of frames) content.add(frame, `0000${frame.frameIndex}.jpg`);
  const pictures = read(JSON.parse(content.text()));
  // Objects stand in the order in which they came up.
  const inOrder = pictures.map(({ objects, ...picture }) => ({
    ...picture,
    objects: objects.toSorted((a, b) => (a.id ?? 0) - (b.id ?? 0)),
  }));
  expect(inOrder).toEqual(
    frames.map(({ frameIndex, objects }) => ({
      fileName: `0000${frameIndex}.jpg`,
      size: answeredSize,
      objects: objects.map(({ objectId, mask }) => ({
        id: objectId,
        label: null,
        prompts: { mask },
      })),
    })),
  );
});

test('without track_id, objects are numbered within their video', () => {
  const second = { ...video, id: 2, file_names: ['w/0.jpg', 'w/1.jpg'] };
  const annotations = [track, track, { ...track, video_id: 2 }];
  const pictures = read({ videos: [video, second], annotations, categories });
  const ids = pictures.map(({ objects }) => objects.map(({ id }) => id));
  expect(ids).toEqual([[], [1, 2], [], [1]]);
});

test('boxes stand in for masks that are not there', () => {
  const boxes = { ...track, segmentations: [[], null], bboxes: [[0, 0, 2, 1], null] };
  const [first, second] = read({ videos: [video], annotations: [boxes], categories });
  expect(first?.objects[0]?.prompts).toEqual({ box: { x: 0, y: 0, width: 2, height: 1 } });
  expect(second?.objects).toEqual([]);
});

test.each([
  [{ iscrowd: 1 }, 'got a crowd region'],
  [{ video_id: 3 }, 'expected a video of the file, got 3'],
  [{ segmentations: [whole] }, 'expected a segmentation for each of the 2 frames, got 1'],
  [
    { segmentations: [null, { size: [2, 5], counts: [10] }] },
    "annotation 0, frame 1: expected a mask of the picture's 4 x 2, got 5 x 2",
  ],
])('%j is refused', (more, message) => {
  const annotations = [{ ...track, ...more }];
  expect(() => read({ videos: [video], annotations, categories })).toThrow(message);
});
