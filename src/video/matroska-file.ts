import type { FileHandle } from 'node:fs/promises';
import type { FfmpegBinary } from './ffmpeg/binary.ts';
import { startFfmpeg } from './ffmpeg/process.ts';
import { SegmentationError } from '../frame/errors.ts';
import { readAt } from './mp4/file.ts';

const segmentId = 0x18538067;
const clusterId = 0x1f43b675;
const tracksId = 0x1654ae6b;

/** Elements before the first cluster: a handful. */
const maxElements = 1000;

/**
 * A Matroska file whose tracks are described before its first cluster, so that it can be decoded while
 * it arrives; true as well where that cannot be told. RFC 9559 lets them stand anywhere.
 */
export async function tracksComeFirst(file: FileHandle): Promise<boolean> {
  let at = 0;
  for (let i = 0; i < maxElements; i++) {
    const element = readElement(await readAt(file, at, 16));
    if (element === null || element.id === tracksId) return true;
    if (element.id === clusterId) return false;
    at += element.headerBytes + (element.id === segmentId ? 0 : element.bodyBytes);
  }
  return true;
}

/** RFC 8794: an id and a length, each led by as many zero bits as bytes follow the first. */
function readElement(
  bytes: Uint8Array,
): { readonly id: number; readonly headerBytes: number; readonly bodyBytes: number } | null {
  const idBytes = Math.clz32(bytes[0] ?? 0) - 23;
  if (bytes.length < 2 || idBytes > 4) return null;
  const sizeBytes = Math.clz32(bytes[idBytes] ?? 0) - 23;
  if (sizeBytes > 8) return null;
  let id = 0;
  for (const byte of bytes.subarray(0, idBytes)) id = id * 256 + byte;
  let size = (bytes[idBytes] ?? 0) & (0xff >> sizeBytes);
  for (const byte of bytes.subarray(idBytes + 1, idBytes + sizeBytes)) size = size * 256 + byte;
  return { id, headerBytes: idBytes + sizeBytes, bodyBytes: size };
}

/**
 * The video of a Matroska file again, tracks first: the same packets and times, without the other
 * tracks. Ending the iteration ends the child. Throws `unreadable-file`.
 */
export async function* remuxMatroska(
  path: string,
  ffmpeg: FfmpegBinary,
): AsyncGenerator<Uint8Array, void, void> {
  const said: string[] = [];
  const args = '-hide_banner -nostats -nostdin -loglevel error -protocol_whitelist file,pipe'.split(
    ' ',
  );
  const input = ['-copyts', '-f', 'matroska', '-i', `file:${path}`];
  const output = '-map 0:V:0 -c copy -f matroska pipe:1'.split(' ');
  const child = startFfmpeg(ffmpeg.path, [...args, ...input, ...output], {
    onLogLine: (line) => said.push(line),
  });
  try {
    for await (const bytes of child.stdout) yield bytes as Uint8Array;
    const exit = await child.exited;
    if (exit.kind === 'exited' && exit.exitCode === 0) return;
    const message = `${path}: expected a Matroska file that can be put in order, ffmpeg says: ${said.slice(0, 3).join('; ')}`;
    throw new SegmentationError('unreadable-file', message);
  } finally {
    await child.stop();
  }
}
