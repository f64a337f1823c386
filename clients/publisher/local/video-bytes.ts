import { SegmentationError } from '../../../src/frame/errors.ts';
import { readVideoFile } from '../../../src/video/video-file.ts';
import type { Container } from '../../../src/frame/container.ts';
import type { Encoding } from '../access-unit.ts';
import { convertVideo, probeCodec, sentAsItIs } from './convert.ts';
import { ffmpegName, findLocalFfmpeg } from './find-ffmpeg.ts';
import type { LocalInput } from './open-input.ts';

/** A video on its way to a server. */
export type VideoBytes = {
  readonly container: Container;
  /** The bytes from the start; of a pipe, those that are left. */
  readonly chunks: (signal: AbortSignal) => AsyncIterable<Uint8Array>;
  /** Whether `chunks` can be called again, at any time. */
  readonly readsAgain: boolean;
};

/** What is to be done with a video on its way. */
export type VideoBytesOptions = {
  /** At its own pace, in place of as fast as it is taken. */
  readonly realtime: boolean;
  /** Frames a second of a raw stream; null: what its headers say. */
  readonly frameRate: number | null;
  readonly onEncoded: (encoding: Encoding) => void;
  readonly signal: AbortSignal;
};

/**
 * The bytes of a file or a pipe: as they are, or through ffmpeg where its codec is none of H.264, H.265
 * and MJPEG, or it is to be sent at its own pace. Without an ffmpeg all is sent as it is.
 */
export async function videoBytes(
  input: LocalInput,
  { realtime, frameRate, onEncoded, signal }: VideoBytesOptions,
): Promise<VideoBytes> {
  const { container } = input;
  const ffmpeg = await findLocalFfmpeg();
  if (ffmpeg === null && realtime) {
    const message =
      '--realtime is ffmpeg’s: expected one (FFMPEG_PATH, or on the PATH), found none';
    throw new SegmentationError('decoder-failed', message);
  }
  const source = input.kind === 'file' ? input.path : input.head;
  const codec = ffmpeg === null ? null : await probeCodec(ffmpeg, { container, source }, signal);
  const encodes = codec !== null && !sentAsItIs.has(codec);
  if (ffmpeg === null || !(encodes || realtime)) return asItIs(input);
  if (encodes) onEncoded({ codec, encoder: ffmpegName(ffmpeg) });
  return {
    container: 'mp4',
    readsAgain: input.kind === 'file' && !realtime,
    chunks: (ending) => {
      const from = input.kind === 'file' ? input.path : input.pipe.chunks(ending);
      const how = { encodes, realtime, signal: ending };
      return convertVideo(ffmpeg, { container, source: from, frameRate }, how);
    },
  };
}

function asItIs(input: LocalInput): VideoBytes {
  const { container } = input;
  if (input.kind === 'pipe') {
    return { container, readsAgain: false, chunks: (signal) => input.pipe.chunks(signal) };
  }
  const ffmpeg = async () => {
    const found = await findLocalFfmpeg();
    if (found !== null) return found;
    const message = `${input.name}: its tracks stand behind its pictures: expected an ffmpeg to put it in order, found none`;
    throw new SegmentationError('decoder-failed', message);
  };
  const chunks = () => readVideoFile(input.path, { container, ffmpeg });
  return { container, readsAgain: true, chunks };
}
