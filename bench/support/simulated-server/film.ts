import { createDecoder, readVideoFile, type FfmpegBinary } from '../../../src/video/index.ts';
import type { Frame } from '../../../src/frame/frame.ts';
import type { CameraClip } from '../camera-clip.ts';

/** Decoded pictures of a clip that is played forth and back, over and over. */
export type Film = Pick<Frame, 'analysis' | 'display'> & {
  readonly pictures: readonly Frame['data'][];
};

/** Decodes a clip once. */
export async function readFilm(
  { file }: CameraClip,
  { ffmpeg, signal }: { readonly ffmpeg: FfmpegBinary; readonly signal: AbortSignal },
): Promise<Film> {
  const decode = createDecoder({ ffmpeg });
  const options = { container: 'mp4', frameRate: null, signal } as const;
  const pictures: Frame['data'][] = [];
  let size: Pick<Frame, 'analysis' | 'display'> | null = null;
  for await (const event of decode(
    readVideoFile(file, { container: 'mp4', ffmpeg: async () => ffmpeg }),
    options,
  )) {
    if (event.kind !== 'frame') continue;
    const { frame } = event;
    const data = new Uint8Array(new SharedArrayBuffer(frame.data.length));
    data.set(frame.data);
    pictures.push(data);
    size = { analysis: frame.analysis, display: frame.display };
    frame.close();
  }
  if (size === null) throw new Error(`${file}: expected frames, got none`);
  return { ...size, pictures };
}

/** A picture of a film as a frame. Its memory outlives it: whoever closes it frees nothing. */
export function frameOf(
  film: Film,
  init: Pick<Frame, 'index' | 'timestampUs' | 'decodedAtMs'>,
): Frame {
  const { analysis, display, pictures } = film;
  const frame: Frame = {
    ...init,
    timestampSynthetic: true,
    analysis,
    display,
    data: pictures[init.index % pictures.length]!,
    retain: () => frame,
    close: () => undefined,
    [Symbol.dispose]: () => undefined,
  };
  return frame;
}
