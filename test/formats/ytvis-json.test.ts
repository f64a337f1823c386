import { expect, test } from 'vitest';
import { createYtvisJson } from '../../src/formats/ytvis-json.ts';
import { answeredFrame } from '../fixtures/answered-frame.ts';

test('an object has one entry for each frame of its video, null where it has no mask', () => {
  const file = createYtvisJson();
  file.nextInput();
  const seen: number[][] = [[1], [], [1, 2], []];
  seen.forEach((ids, index) => file.add(answeredFrame(index, ids), `${index}.jpg`));
  file.nextInput();
  file.add(answeredFrame(0, [2]), 'other.jpg');
  const { videos, annotations } = JSON.parse(file.text());
  expect(videos).toMatchObject([
    { id: 1, width: 16, height: 10, length: 4, file_names: ['0.jpg', '1.jpg', '2.jpg', '3.jpg'] },
    { id: 2, length: 1, file_names: ['other.jpg'] },
  ]);
  const shape = annotations.map(
    (entry: { video_id: number; track_id: number; segmentations: unknown[]; areas: unknown[] }) => [
      entry.video_id,
      entry.track_id,
      entry.segmentations.map((one) => one !== null),
      entry.areas,
    ],
  );
  expect(shape).toEqual([
    [1, 1, [true, false, true, false], [12, null, 12, null]],
    [1, 2, [false, false, true, false], [null, null, 12, null]],
    [2, 2, [true], [12]],
  ]);
});
