import { describe, expect, test } from 'vitest';
import { checkRaw, showsRaw } from '../../src/video/check-raw.ts';

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** Packets of a transport stream, `ahead` bytes before each. */
function packets(count: number, ahead = 0): Uint8Array {
  const length = 188 + ahead;
  return Uint8Array.from({ length: count * length }, (_, at) => (at % length === ahead ? 0x47 : 1));
}

describe('the first bytes of a raw stream', () => {
  test('need not be many, so that live video does not wait', () => {
    expect(showsRaw(bytes('\0\0\0\x01\x67\x42\0\x1e\xab\x40\x50'))).toBe(false);
    expect(showsRaw(bytes('\0\0\0\x01\x67\x42\0\x1e\xab\x40\x50\x1e'))).toBe(true);
  });

  test('must be more where they may be packets', () => {
    expect(showsRaw(packets(5))).toBe(false);
    expect(showsRaw(packets(6))).toBe(true);
    expect(showsRaw(packets(1, 4))).toBe(false);
  });
});

describe('a raw stream', () => {
  test.each([
    ['\0\0\0\x01\x67\x42\0\x1e\xab\x40\x50\x1e', 'h264-annex-b'],
    ['\x9a\x47\x11\0\0\x01\x41\x9a\x24\x6c\x43\x3f', 'h264-annex-b'],
    ['\xff\xd8\xff\xe0\0\x10JFIF\0\x01', 'mjpeg'],
    ['--frame\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff', 'mjpeg'],
    ['\0\0\x01\xb3\x14\0\xf0\x13\xff\xff\xe0\x18', 'mpeg-video'],
  ] as const)('%j is left to the decoder of %s', (text, format) => {
    expect(() => checkRaw(bytes(text), format)).not.toThrow();
  });

  test.each([
    ['\0\0\0\x20ftypisom', 'mp4'],
    ['\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81', 'matroska'],
    ['DKIF\0\0\x20\0VP80', 'ivf'],
    ['RIFF\x10\0\0\0AVI LIST', 'avi'],
    ['FLV\x01\x01\0\0\0\x09\0\0\0', 'flv'],
  ])('is not %j, which is %s', (text, container) => {
    const message = `expected h264-annex-b video, got ${container}: declare the container that is sent`;
    expect(() => checkRaw(bytes(text), 'h264-annex-b')).toThrow(
      expect.objectContaining({ code: 'undecodable-video', message }),
    );
  });

  test.each([0, 4])('is not packets with %d bytes before each', (ahead) => {
    expect(() => checkRaw(packets(6, ahead), 'h264-annex-b')).toThrow('got mpeg-ts');
  });
});
