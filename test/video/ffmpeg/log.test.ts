import { expect, test } from 'vitest';
import { FfmpegLog } from '../../../src/video/ffmpeg/log.ts';

const size =
  '[scale@secret @ 0x1] [verbose] w:640 h:360 fmt:yuv420p sar:2/1 -> w:512 h:144 fmt:x sar:1/1';
const base = '[showinfo@secret @ 0x1] [info] config in time_base: 1/90000, frame_rate: 30/1';

const picture =
  '[showinfo@secret @ 0x1] [info] n:   0 pts:  -3000 pts_time:-0.0333 pos: 9 fmt:yuv420p sar:1/1 s:512x144 i:P';

test('a picture is announced with its size and time', () => {
  const log = new FfmpegLog('secret');
  expect([size, base, picture].map((line) => log.read(line))).toEqual([false, false, true]);
  expect(log.takeNote()).toEqual({
    pts: -3000,
    timeBase: { numerator: 1, denominator: 90_000 },
    position: 9,
    scaled: { width: 512, height: 144 },
    display: { width: 1280, height: 360 },
  });
  expect(log.takeNote()).toBeUndefined();
});

test('a tag of the file that looks like a log line announces nothing', () => {
  const log = new FfmpegLog('secret');
  log.read(size);
  expect(log.read(`[info]     title           : ${picture}`)).toBe(false);
  expect(log.read('[info]     title           : Stream #0:0: Video: h264, 30 fps')).toBe(false);
  expect(log.takeNote()).toBeUndefined();
  expect(log.stream).toBeNull();
});

test.each([
  ['30 fps, 30 tbr, 15360 tbn', 30],
  ['29.97 fps, 29.97 tbr, 30k tbn', 30_000 / 1001],
  ['23.98 fps, 23.98 tbr, 24k tbn', 24_000 / 1001],
  ['29.83 fps, 30 tbr', 29.83],
  ['30 tbr, 90k tbn', 30],
  ['90k tbr, 90k tbn', null],
  ['1k fps, 1k tbr', null],
])('the rate of "%s" is %s', (text, rate) => {
  const log = new FfmpegLog('secret');
  log.read(`[info]   Stream #0:0(und): Video: h264 (High), yuv420p, 640x360, ${text} (default)`);
  expect(log.stream).toEqual({ codec: 'h264', frameRate: rate, colour: null });
});
test('what is said of sound, of options and of times that go back is no damage of the video', () => {
  const log = new FfmpegLog('secret');
  log.read('[info]   Stream #0:0: Video: h264 (avc1), none, 320x240');
  for (const line of [
    "[aac @ 0x1] [error] Codec (aac) not on whitelist 'h264,hevc'",
    '[mov,mp4 @ 0x1] [warning] Failed to open codec in avformat_find_stream_info',
    '[mov,mp4 @ 0x1] [warning] Could not find codec parameters for stream 1 (Audio: aac): x',
    '[warning] Codec AVOption threads (x) has not been used for any stream.',
    '[rawvideo @ 0x1] [error] Application provided invalid, non monotonically increasing dts to muxer',
  ])
    log.read(line);
  expect(log.complaints).toEqual([]);
  expect(log.takeDamage()).toBeNull();
  expect(log.decoderRefused).toBe(false);
  log.read("[h264 @ 0x1] [error] Codec (h264) not on whitelist 'hevc'");
  expect(log.decoderRefused).toBe(true);
});

test.each([
  ['yuv420p(tv, bt709, progressive)', ['bt709', 'bt709', 'bt709']],
  ['yuv420p10le(pc, bt2020nc/bt2020/smpte2084)', ['bt2020nc', 'bt2020', 'smpte2084']],
  ['yuvj420p(pc, bt470bg/unknown/unknown)', ['bt470bg', 'unknown', 'unknown']],
  ['yuv420p(progressive)', null],
  ['yuv420p', null],
])('the colours of %s are read', (format, tags) => {
  const log = new FfmpegLog('secret');
  log.read(
    `[info]   Stream #0:0: Video: h264 (High) (avc1 / 0x31637661), ${format}, 64x48, 25 fps`,
  );
  const { colour = null } = log.stream ?? {};
  expect(colour === null ? null : [colour.matrix, colour.primaries, colour.transfer]).toEqual(tags);
});
