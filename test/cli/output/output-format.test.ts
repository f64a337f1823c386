import { expect, test } from 'vitest';
import { outputFormat } from '../../../src/cli/output/output-format.ts';

test.each([
  ['masks', 'dir'],
  ['masks.zip', 'zip'],
  ['overlay.MP4', 'mp4'],
  ['overlay.webm', 'webm'],
  ['one.png', 'mask'],
  ['v1.2', 'dir'],
])('%s is %s', (path, format) => {
  expect(outputFormat(path, undefined)).toBe(format);
});

test('--format wins over the ending, and an unknown one is an error that lists them', () => {
  expect(outputFormat('labels.json', 'coco')).toBe('coco');
  expect(() => outputFormat('labels.json', undefined)).toThrow(/expected a folder, .*got "labels/);
  expect(() => outputFormat('a', 'voc')).toThrow(/one of dir, zip, .*yolo, got "voc"/);
});
