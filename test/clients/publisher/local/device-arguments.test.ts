import { expect, test } from 'vitest';
import {
  chooseForm,
  deviceArguments,
  listArguments,
} from '../../../../clients/publisher/local/device-arguments.ts';

/** As ffmpeg's v4l2 lists them (libavdevice/v4l2.c). */
const line = (kind: 'Raw       ' | 'Compressed', name: string, description: string) =>
  `[video4linux2,v4l2 @ 0x5580] ${kind}: ${name.padStart(11)} : ${description.padStart(20)} : 640x480 1280x720`;

const yuyv = line('Raw       ', 'yuyv422', 'YUYV 4:2:2');
const mjpeg = line('Compressed', 'mjpeg', 'Motion-JPEG');
const h264 = line('Compressed', 'h264', 'H.264');
const unknown = line('Compressed', 'Unsupported', 'Pixart JPEG');

test.each([
  { lines: [yuyv, mjpeg], inputFormat: 'mjpeg', container: 'mjpeg' },
  { lines: [mjpeg, yuyv, h264], inputFormat: 'h264', container: 'h264-annex-b' },
])('$inputFormat is sent as the camera encodes it', ({ lines, inputFormat, container }) => {
  const form = chooseForm(lines);
  expect(form).toEqual({ inputFormat, container, encodes: null });
  const words = deviceArguments('/dev/video2', form!, 15).join(' ');
  expect(words).toContain(
    `-f v4l2 -input_format ${inputFormat} -framerate 15 -i /dev/video2 -map 0:v:0 -c:v copy -f`,
  );
  expect(words).not.toContain('libx264');
});

test('what is none of the codecs is encoded', () => {
  const form = chooseForm([unknown, yuyv]);
  expect(form).toMatchObject({ container: 'h264-annex-b', encodes: 'yuyv422' });
  const words = deviceArguments('/dev/video0', form!, null).join(' ');
  expect(words).toContain('-input_format yuyv422 -i /dev/video0 -map 0:v:0 -c:v libx264');
  expect(words).toMatch(/-f h264 -flush_packets 1 pipe:1$/);
});

test('a device without any form is no camera', () => {
  expect(chooseForm(['/dev/video0: No such file or directory'])).toBeNull();
  expect(chooseForm([unknown])).toBeNull();
});

test('a device is asked for its forms', () => {
  expect(listArguments('/dev/video0').join(' ')).toContain('-list_formats all -i /dev/video0');
});
