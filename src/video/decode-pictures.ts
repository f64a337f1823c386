import { randomBytes } from 'node:crypto';
import { SegmentationError } from '../frame/errors.ts';
import type { DecodeOptions } from '../frame/ports.ts';
import { abortable, cancelled, ChunkSource, orNull } from './chunk-source.ts';
import { openInput } from './decode-input.ts';
import type { DecodeInput } from './decode-input.ts';
import { foundNoVideo, judgeOutcome, unsupportedCodec } from './decode-outcome.ts';
import { decodeArguments } from './ffmpeg/arguments.ts';
import type { PictureShape, StillInput } from './ffmpeg/arguments.ts';
import type { FfmpegBinary } from './ffmpeg/binary.ts';
import { FfmpegLog } from './ffmpeg/log.ts';
import type { PictureNote, StreamNote } from './ffmpeg/log.ts';
import { startFfmpeg } from './ffmpeg/process.ts';
import type { FfmpegProcess } from './ffmpeg/process.ts';
import { Mp4Parts } from './mp4/parts.ts';
import type { PartedBytes } from './mp4/parts.ts';
import { PictureStream } from './picture-stream.ts';
import type { PictureSlot } from './picture-stream.ts';
import { watchForStall } from './stall-watch.ts';
import { KeptHead } from './kept-head.ts';
import { GapWatch } from './gap-watch.ts';
import { allowedCodecs, isRaw } from './stream-format.ts';
import type { StreamFormat } from './stream-format.ts';

/** A damaged stream complains with every frame: at most one warning in so many frames. */
const framesPerWarning = 100;

/** What a picture's maker is told besides the note. */
export type PictureContext = {
  readonly note: PictureNote;
  readonly index: number;
  readonly stream: StreamNote;
  /** Frames a second that time is made from, where the container has none of its own. */
  readonly syntheticRate: number | null;
};

/** Limits of one decode, all resolved. */
export type DecodeLimits = {
  readonly maxFramePixels: number;
  readonly maxSpoolBytes: number;
  readonly stallTimeoutMs: number;
  readonly maxQueuedFrames: number;
};

/** Pictures in presentation order, then how it ended unless it failed. */
export type PictureEvent<P> =
  | { readonly kind: 'picture'; readonly picture: P }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'truncated'; readonly message: string };

/** Options of {@link decodePictures}. */
export type DecodePicturesOptions<P> = {
  readonly binary: FfmpegBinary;
  readonly format: StreamFormat;
  readonly frameRate: number | null;
  /** See `DecodeOptions`. */
  readonly framesSkippedBefore?: DecodeOptions['framesSkippedBefore'];
  /** See `DecodeOptions`. */
  readonly yields?: boolean;
  /** Set for an image. */
  readonly still?: StillInput;
  /** Filters that turn pictures upright, where the caller knows. Default: what the input says. */
  readonly uprightFilters?: readonly string[];
  readonly shape: PictureShape;
  readonly limits: DecodeLimits;
  /** Makes room for a picture of the kind that `shape` asks for. */
  readonly openPicture: (context: PictureContext) => PictureSlot<P>;
  readonly signal: AbortSignal;
};

/** What lasts while a stream goes through one ffmpeg after the other. */
type StreamProgress = {
  /** Pictures that were begun. */
  opened: number;
  /** Byte of the stream at which the input of the ffmpeg in hand begins. */
  position: number;
  /** There is more for another ffmpeg: the stream begins anew, or its head is looked at again. */
  goesOn: boolean;
  /** The first look found no video: the next one goes further. */
  probesFar: boolean;
};

/**
 * Runs ffmpeg over `chunks`: one child, another for each part of a fragmented MP4 that begins anew, and
 * another where the first, which looks at no more than it must, found other streams before the video.
 * However the iteration ends, the child is reaped and every picture that was not handed over is
 * discarded before it does.
 */
export async function* decodePictures<P>(
  chunks: AsyncIterable<Uint8Array>,
  options: DecodePicturesOptions<P>,
): AsyncGenerator<PictureEvent<P>, void, void> {
  const source = new ChunkSource(chunks, options.signal);
  const progress: StreamProgress = {
    opened: 0,
    position: 0,
    goesOn: false,
    probesFar: false,
  };
  const { maxSpoolBytes } = options.limits;
  let input: DecodeInput | null = null;
  try {
    do {
      progress.goesOn = false;
      input = await openInput(source, { ...options, maxSpoolBytes });
      const head = new KeptHead(input.file === null && !progress.probesFar);
      yield* decodeInput({ source, input, progress, head }, options);
    } while (progress.goesOn);
  } finally {
    source.close();
    await input?.file?.close();
  }
}

/** One ffmpeg's share of a stream. */
type Part = {
  readonly source: ChunkSource;
  readonly input: DecodeInput;
  readonly progress: StreamProgress;
  /** What ffmpeg was given before it knew the video. */
  readonly head: KeptHead;
};

/** An ffmpeg at work on its share of a stream. */
type Decoding<P> = {
  readonly child: FfmpegProcess;
  readonly pictures: PictureStream<P>;
  readonly log: FfmpegLog;
  /** Null where the container may have gaps of its own. */
  readonly gaps: GapWatch | null;
  /** Ends the watch for an ffmpeg that stalls. */
  readonly stall: ReturnType<typeof watchForStall>;
};

async function* decodeInput<P>(
  part: Part,
  options: DecodePicturesOptions<P>,
): AsyncGenerator<PictureEvent<P>, void, void> {
  const { source, input, progress, head } = part;
  const { position: start, opened: openedBefore } = progress;
  const { format, limits, signal } = options;
  const { child, pictures, log, gaps, stall } = startDecoding(part, options);
  // At once, also while the receiver is busy with a frame and asks for nothing.
  const onAbort = (): void => {
    pictures.fail(cancelled(signal));
    pictures.close();
    void child.stop();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const feeding = feed(part, child).catch((error: unknown) => pictures.fail(error));
  const onExit = (): void => pictures.endNotes();
  child.exited.then(onExit, onExit);
  try {
    let warnedAt = -framesPerWarning;
    for (let index = 0; ; index++) {
      const picture = await pictures.next(signal);
      if (picture === null) break;
      yield { kind: 'picture', picture };
      const isDue = index >= warnedAt + framesPerWarning;
      const damage = isDue ? (log.takeDamage() ?? gaps?.take() ?? null) : null;
      if (damage === null || signal.aborted) continue;
      warnedAt = index;
      yield { kind: 'warning', message: `the decoder met damage: ${damage}` };
    }
    const exit = await abortable(child.exited, signal);
    await feeding;
    if (foundNoVideo(log) && head.giveBack(source)) {
      Object.assign(progress, { position: start, goesOn: true, probesFar: true });
      return;
    }
    if (!progress.goesOn) source.close();
    // What was said of the last pictures, whose log may come after them.
    const damage = options.still === undefined ? gaps?.take() : log.takeDamage();
    if (damage !== undefined && damage !== null) {
      yield { kind: 'warning', message: `the decoder met damage: ${damage}` };
    }
    const judged = { format, exit, log, pictures: openedBefore + pictures.completed };
    const { unfinished, encrypted = false } = input.end;
    const outcome = judgeOutcome({ ...judged, ...limits, unfinished, encrypted });
    if (outcome.kind === 'failed') throw outcome.error;
    if (outcome.kind === 'truncated') yield outcome;
  } finally {
    signal.removeEventListener('abort', onAbort);
    stall.close();
    pictures.close();
    await child.stop();
  }
}

/** Starts ffmpeg for an input, with what reads its log and its pictures; writes nothing to it yet. */
function startDecoding<P>(
  { input, progress, head }: Part,
  options: DecodePicturesOptions<P>,
): Decoding<P> {
  const { position: start } = progress;
  const { format, limits } = options;
  const log = new FfmpegLog(randomBytes(8).toString('hex'));
  const onLogLine = (line: string): void => {
    const announced = log.read(line);
    // Every later picture would be refused as well: the end of input lets what was decoded out.
    if (log.oversize) child.stdin.end();
    if (!announced) return;
    if (log.stream !== null) head.drop();
    const codec = log.stream?.codec;
    if (codec !== undefined && !allowedCodecs(format).has(codec))
      pictures.fail(unsupportedCodec(codec, format));
    else pictures.pump();
  };
  const from = input.file === null ? 'pipe' : 'file';
  const args = decodeArguments({
    ...options,
    ...limits,
    frameRate: input.frameRate,
    uprightFilters: options.uprightFilters ?? input.uprightFilters,
    input: from,
    probesFar: progress.probesFar,
    logTag: log.tag,
  });
  const child = startFfmpeg(options.binary.path, args, {
    onLogLine,
    confinement: options.binary.confinement,
    yields: options.yields === true,
    ...(input.file === null ? {} : { inputFd: input.file.fd }),
  });
  // Containers have gaps of their own; raw pictures are counted by ffmpeg, decoded or not, but for those
  // of MPEG-1 and 2, whose times it loses and guesses again.
  const gaps = isRaw(format) && format !== 'mpeg-video' ? new GapWatch() : null;
  const open = (note: PictureNote): PictureSlot<P> => {
    checkSize(note, limits.maxFramePixels);
    const stream = log.stream ?? { codec: 'unknown', frameRate: null, colour: null };
    const { opened } = progress;
    const position = note.position === null ? null : note.position + start;
    const index = opened + (options.framesSkippedBefore?.(opened, position) ?? 0);
    progress.opened++;
    gaps?.note(note);
    const placed = { ...note, position };
    const context = { note: placed, index, stream, syntheticRate: input.frameRate };
    return options.openPicture(context);
  };
  const maxQueued = limits.maxQueuedFrames;
  const pictures = new PictureStream({ stdout: child.stdout, log, open, maxQueued });
  const stall = watchForStall({ child, pictures, timeoutMs: limits.stallTimeoutMs });
  return { child, pictures, log, gaps, stall };
}

/** Writes chunks to ffmpeg at its own pace until either side ends. */
async function feed({ source, input, progress, head }: Part, child: FfmpegProcess): Promise<void> {
  const { stdin } = child;
  if (input.file !== null) {
    stdin.end();
    return;
  }
  const closing = new AbortController();
  const onClosed = (): void => closing.abort();
  stdin.once('close', onClosed);
  child.exited.then(onClosed, onClosed);
  const write = async (bytes: Uint8Array): Promise<void> => {
    input.end.push(bytes);
    head.keep(bytes);
    progress.position += bytes.length;
    if (closing.signal.aborted || stdin.write(bytes)) return;
    await orNull(new Promise<void>((drained) => stdin.once('drain', drained)), closing.signal);
  };
  const parts = input.format === 'mp4' ? new Mp4Parts() : null;
  while (!closing.signal.aborted) {
    const chunk = await source.next(closing.signal);
    if (chunk === null) {
      for (const bytes of parts?.end() ?? []) await write(bytes);
      break;
    }
    const { send, rest, repeatedBytes } = parts?.push(chunk) ?? whole(chunk);
    for (const bytes of send) await write(bytes);
    if (rest === null) continue;
    source.unread(rest);
    progress.position -= repeatedBytes;
    progress.goesOn = true;
    break;
  }
  if (!stdin.destroyed) stdin.end();
}

function whole(chunk: Uint8Array): PartedBytes {
  return { send: [chunk], rest: null, repeatedBytes: 0 };
}

function checkSize(note: PictureNote, maxFramePixels: number): void {
  const { width, height } = note.display;
  if (width * height <= maxFramePixels) return;
  throw new SegmentationError(
    'frame-too-large',
    `expected at most ${maxFramePixels} pixels a frame, got ${width}x${height}`,
  );
}
