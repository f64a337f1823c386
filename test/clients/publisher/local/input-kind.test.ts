import { expect, test } from 'vitest';
import { inputKind, inputName } from '../../../../clients/publisher/local/input-kind.ts';

test.each([
  ['rtsp://user:secret@c/x', 'rtsp', 'rtsp://c/x'],
  ['rtsps://c/x', 'rtsp', 'rtsps://c/x'],
  ['/dev/video0', 'device', '/dev/video0'],
  ['/dev/v4l/by-id/usb-Cam', 'device', '/dev/v4l/by-id/usb-Cam'],
  ['-', 'stdin', 'stdin'],
  ['/dev/stdin', 'stdin', 'stdin'],
  ['/dev/fd/63', 'file', '/dev/fd/63'],
  ['clips/a.mp4', 'file', 'clips/a.mp4'],
  ['video0', 'file', 'video0'],
])('%s is of kind %s', (input, kind, name) => {
  expect(inputKind(input)).toBe(kind);
  expect(inputName(input)).toBe(name);
});

test('another URL is refused', () => {
  expect(() => inputKind('http://c/x')).toThrow('expected rtsp://');
});
