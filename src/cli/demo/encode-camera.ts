import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { SegmentationError } from '../../frame/errors.ts';
import type { FfmpegBinary } from '../../video/index.ts';
import type { Scene } from './scene.ts';

/**
 * Encodes a scene as a camera would: H.264 without B-frames in MP4, one fragment a frame, so that
 * every frame can be sent the moment it is there.
 */
export async function encodeCamera(
  scene: Scene,
  options: {
    readonly ffmpeg: FfmpegBinary;
    readonly onFrame: (frameIndex: number) => void;
    readonly signal: AbortSignal;
  },
): Promise<Buffer> {
  const { size, frameRate, frameCount } = scene;
  const input = `-f rawvideo -pix_fmt rgb24 -video_size ${size.width}x${size.height} -framerate ${frameRate} -i pipe:0`;
  const codec = '-c:v libx264 -preset veryfast -tune zerolatency -crf 20 -g 60 -pix_fmt yuv420p';
  const container = '-f mp4 -movflags frag_every_frame+empty_moov+default_base_moof pipe:1';
  const words = `-hide_banner -nostats -loglevel error ${input} ${codec} ${container}`.split(' ');
  const child = spawn(options.ffmpeg.path, words, { env: {}, signal: options.signal });
  const said = buffer(child.stderr);
  const video = buffer(child.stdout);
  const ended = once(child, 'exit');
  // A child that dies shows in its exit code; the broken pipe before it says nothing more.
  child.stdin.on('error', () => undefined);
  for (let index = 0; index < frameCount && child.exitCode === null; index++) {
    const { data } = scene.render(index).picture;
    if (!child.stdin.write(data)) await Promise.race([once(child.stdin, 'drain'), ended]);
    options.onFrame(index + 1);
  }
  child.stdin.end();
  const [exitCode] = (await ended) as [number | null];
  if (exitCode !== 0) {
    const message = `expected ${options.ffmpeg.path} to encode H.264, it says: ${(await said).toString().trim()}`;
    throw new SegmentationError('internal', message);
  }
  return await video;
}

/**
 * Cuts a fragmented MP4 into one piece a frame: each begins at a `moof` box, the first holds the
 * header too.
 */
export function splitFragments(video: Buffer): Buffer[] {
  const starts: number[] = [];
  for (let at = 0; at + 8 <= video.length;) {
    const kind = video.toString('latin1', at + 4, at + 8);
    if (kind === 'moof') starts.push(at);
    at += Math.max(8, video.readUInt32BE(at));
  }
  return starts.map((start, index) =>
    video.subarray(index === 0 ? 0 : start, starts[index + 1] ?? video.length),
  );
}
