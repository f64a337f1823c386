import type { FfmpegBinary } from './ffmpeg/binary.ts';
import { abortable } from './chunk-source.ts';
import { startFfmpeg } from './ffmpeg/process.ts';
import { exifOrientation, uprightFilters } from './headers/exif-orientation.ts';
import { walkJpeg } from './headers/jpeg-walk.ts';
import { checkImage, isCut, undecodable } from './image-checks.ts';
import { allowedDecoders, demuxers } from './stream-format.ts';

/** As good as JPEG gets before files grow without use. */
const quality = 2;

/**
 * A picture as one upright JPEG, to be a frame of MJPEG: the file itself where it is that already, else
 * encoded anew at its own size with full chroma. Data behind the picture is left out.
 *
 * @param ffmpeg asked only where the picture must be encoded
 * Throws `undecodable-image`, `cancelled`.
 */
export async function uprightJpeg(
  bytes: Uint8Array,
  options: { readonly ffmpeg: () => Promise<FfmpegBinary>; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  const format = checkImage(bytes);
  const orientation = exifOrientation(bytes, format);
  if (format === 'jpeg' && orientation === 1) {
    const { end, ending } = walkJpeg(bytes);
    if (ending === 'whole') return bytes.subarray(0, end);
  }
  const { path } = await options.ffmpeg();
  const said: string[] = [];
  const filters = [...uprightFilters(orientation), 'format=yuvj444p'].join(',');
  const child = startFfmpeg(
    path,
    [
      ...'-hide_banner -nostats -nostdin -loglevel warning -threads 1'.split(' '),
      ...`-protocol_whitelist pipe -codec_whitelist ${allowedDecoders(format)}`.split(' '),
      ...`-noautorotate -frame_size ${bytes.length} -f ${demuxers[format]} -i pipe:0`.split(' '),
      ...`-frames:v 1 -vf ${filters} -c:v mjpeg -q:v ${quality} -f mjpeg pipe:1`.split(' '),
    ],
    { onLogLine: (line) => said.push(line) },
  );
  try {
    child.stdin.end(bytes);
    const parts: Uint8Array[] = [];
    const reading = (async () => {
      for await (const part of child.stdout) parts.push(part as Uint8Array);
    })();
    await abortable(Promise.all([reading, child.exited]), options.signal);
    const endsEarly = format === 'jpeg' && parts.length === 0 && walkJpeg(bytes).ending === 'cut';
    if (endsEarly || isCut(bytes, said)) throw undecodable('got one that ends early');
    if (parts.length === 0) throw undecodable(`ffmpeg says: ${said.slice(0, 2).join('; ')}`);
    return Buffer.concat(parts);
  } finally {
    await child.stop();
  }
}
