import { SegmentationError } from '../frame/errors.ts';
import type { FfmpegLog } from './ffmpeg/log.ts';
import type { FfmpegExit } from './ffmpeg/exit.ts';
import { allowedCodecs, isImage } from './stream-format.ts';
import type { StreamFormat } from './stream-format.ts';

/** How a stream ended, judged from what ffmpeg said and did. */
export type DecodeOutcome =
  | { readonly kind: 'complete' }
  | { readonly kind: 'truncated'; readonly message: string }
  | { readonly kind: 'failed'; readonly error: SegmentationError };

const truncation = /partial file|ended prematurely|Truncating packet/i;
const noDecoder = /Decoder \(codec \w+\) not found|no decoder found/i;
const noIndex = /moov atom not found/;
const noStream = /matches no streams/;

/** ffmpeg knows the container, and of no video in it. */
export function foundNoVideo(log: FfmpegLog): boolean {
  return log.stream === null && log.complaints.some((line) => noStream.test(line));
}

/** Judges the end of a stream. */
export function judgeOutcome(options: {
  readonly format: StreamFormat;
  readonly exit: FfmpegExit;
  readonly log: FfmpegLog;
  readonly pictures: number;
  /** The bytes ended in the middle of something. */
  readonly unfinished: boolean;
  /** The bytes say that their payload is scrambled. */
  readonly encrypted: boolean;
  readonly maxFramePixels: number;
}): DecodeOutcome {
  const { exit, log, pictures } = options;
  if (exit.kind === 'killed') {
    return failed('decoder-failed', `ffmpeg was ended by ${exit.signal} after ${pictures} frames`);
  }
  if (exit.kind === 'not-started') return failed('decoder-failed', 'ffmpeg could not be started');
  const said = log.complaints.join('; ');
  if (log.oversize) {
    return failed(
      'frame-too-large',
      `expected at most ${options.maxFramePixels} pixels a frame, got more: ${summary(log)}`,
    );
  }
  if (pictures === 0) return nothingDecoded(options);
  if (options.unfinished || truncation.test(said)) {
    return {
      kind: 'truncated',
      message: `the ${options.format} stream ended early, after ${pictures} frames`,
    };
  }
  if (exit.exitCode !== 0) {
    return failed(
      'undecodable-video',
      `${options.format} became undecodable after ${pictures} frames: ${summary(log)}`,
    );
  }
  return { kind: 'complete' };
}

function nothingDecoded(options: {
  readonly format: StreamFormat;
  readonly log: FfmpegLog;
  readonly unfinished: boolean;
  readonly encrypted: boolean;
}): DecodeOutcome {
  const { format, log } = options;
  const codec = log.stream?.codec;
  const said = log.complaints.join('; ');
  const lacksDecoder = log.decoderRefused || noDecoder.test(said);
  if (codec !== undefined && allowedCodecs(format).has(codec) && lacksDecoder) {
    return failed('unsupported-codec', `this ffmpeg cannot decode ${codec}: ${summary(log)}`);
  }
  const expected = `expected ${format} video`;
  if (codec === undefined && noStream.test(said)) {
    return failed('undecodable-video', `${expected}, found no video stream in it`);
  }
  if (noIndex.test(said)) {
    return failed('undecodable-video', `${expected}, found no index (moov) in it`);
  }
  if (options.encrypted) {
    return failed('undecodable-video', `${expected}, got an encrypted stream: send it decrypted`);
  }
  const ended = options.unfinished ? ' before its end, which came early' : '';
  return failed('undecodable-video', `${expected}, found no frame${ended}: ${summary(log)}`);
}

/** The error for a codec outside the list. */
export function unsupportedCodec(codec: string, format: StreamFormat): SegmentationError {
  const list = [...allowedCodecs(format)].join(', ');
  return new SegmentationError(
    'unsupported-codec',
    `expected one of ${list}, got ${codec}: convert the ${isImage(format) ? 'picture' : 'video'}`,
  );
}

/** What ffmpeg said first and last, without names of files. */
function summary(log: FfmpegLog): string {
  const lines = log.complaints.map((line) => line.replaceAll(/(?:file|pipe|fd):\S*/g, 'input'));
  const kept = lines.length <= 3 ? lines : [...lines.slice(0, 2), lines.at(-1)];
  return kept.length === 0 ? 'ffmpeg gave no reason' : `ffmpeg says: ${kept.join('; ')}`;
}

function failed(code: SegmentationError['code'], message: string): DecodeOutcome {
  return { kind: 'failed', error: new SegmentationError(code, message) };
}
