import { expect, test } from 'vitest';
import { besidePicture, pictureName } from '../../../src/cli/segment/picture-name.ts';

const source = { kind: 'file', path: '/photos/b.c.jpeg' } as const;

test('pictures keep their names, frames of a video are numbered', () => {
  const image = { kind: 'image', name: 'b.c', source } as const;
  expect(pictureName(image, 0, true)).toBe('b.c.jpeg');
  const sequence = { kind: 'sequence', name: 's', files: ['/s/1.png', '/s/2.png'] } as const;
  expect(pictureName(sequence, 1, false)).toBe('2.png');
  const video = { kind: 'video', name: 'v', source, container: 'mp4' } as const;
  expect(pictureName(video, 12, false)).toBe('00012.jpg');
  expect(pictureName(video, 12, true)).toBe('v/00012.jpg');
  expect(besidePicture('v.1/b.c.jpeg', '.txt')).toBe('v.1/b.c.txt');
  expect(besidePicture('v.1/plain', '.txt')).toBe('v.1/plain.txt');
});
