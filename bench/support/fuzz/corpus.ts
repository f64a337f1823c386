import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Container } from '../../../src/frame/container.ts';
import type { FfmpegBinary } from '../../../src/video/index.ts';
import { readFoundClips } from './found-clips.ts';

/** A valid video, to be mutated. */
export type FuzzClip = {
  readonly name: string;
  readonly container: Container;
  readonly bytes: Buffer;
};

/** Half a second of a picture with sharp edges and grain, small enough to decode in no time. */
const source = 'testsrc2=size=128x96:rate=24:duration=0.5,noise=alls=12:allf=t';

const x264 = '-c:v libx264 -preset ultrafast -g 6 -pix_fmt yuv420p';

/** How each clip is encoded: one at least for every container, several where its forms differ. */
const recipes: readonly (readonly [name: string, container: Container, words: string])[] = [
  ['raw.h264', 'h264-annex-b', `${x264} -f h264`],
  ['b-frames.h264', 'h264-annex-b', `${x264} -bf 2 -f h264`],
  [
    'raw.hevc',
    'hevc-annex-b',
    '-c:v libx265 -preset ultrafast -x265-params log-level=none -f hevc',
  ],
  ['stream.ts', 'mpeg-ts', `${x264} -f mpegts`],
  ['mpeg2.ts', 'mpeg-ts', '-c:v mpeg2video -pix_fmt yuv420p -f mpegts'],
  ['index-last.mp4', 'mp4', `${x264} -f mp4`],
  ['index-first.mp4', 'mp4', `${x264} -movflags faststart -f mp4`],
  ['fragments.mp4', 'mp4', `${x264} -movflags frag_keyframe+empty_moov+default_base_moof -f mp4`],
  ['h264.mkv', 'matroska', `${x264} -f matroska`],
  ['mpeg4.avi', 'avi', '-c:v mpeg4 -f avi'],
  ['mjpeg.avi', 'avi', '-c:v mjpeg -pix_fmt yuvj420p -f avi'],
  ['vp8.webm', 'webm', '-c:v libvpx -deadline realtime -cpu-used 8 -f webm'],
  ['vp8.ivf', 'ivf', '-c:v libvpx -deadline realtime -cpu-used 8 -f ivf'],
  ['pictures.mjpeg', 'mjpeg', '-c:v mjpeg -pix_fmt yuvj420p -f mjpeg'],
  ['h264.flv', 'flv', `${x264} -f flv`],
  ['raw.m2v', 'mpeg-video', '-c:v mpeg2video -pix_fmt yuv420p -f mpeg2video'],
];

/** Encodes the clips, and adds those in which a fault was found; a build of ffmpeg without an encoder goes without its clips. */
export async function makeCorpus(ffmpeg: FfmpegBinary): Promise<FuzzClip[]> {
  const folder = await mkdtemp(join(tmpdir(), 'maskstream-fuzz-'));
  try {
    const clips: FuzzClip[] = [];
    for (const [name, container, words] of recipes) {
      const file = join(folder, name);
      const input = ['-hide_banner', '-loglevel', 'error', '-y', '-f', 'lavfi', '-i', source];
      const made = await promisify(execFile)(ffmpeg.path, [
        ...input,
        ...words.split(' '),
        file,
      ]).then(
        () => true,
        () => false,
      );
      if (made) clips.push({ name, container, bytes: await readFile(file) });
    }
    return [...clips, ...(await readFoundClips())];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
