import type { Size } from '../../frame/geometry.ts';
import { readColourTags } from './colour-tags.ts';
import type { ColourTags } from './colour-tags.ts';

/** One decoded picture, as ffmpeg's log announces it before its pixels leave. */
export type PictureNote = {
  /** Presentation time in units of `timeBase`; null where the stream has none. */
  readonly pts: number | null;
  readonly timeBase: { readonly numerator: number; readonly denominator: number };
  /** Byte of the input at which its access unit begins; null where ffmpeg does not know. */
  readonly position: number | null;
  /** Size as scaled. */
  readonly scaled: Size;
  /** Size of the source with the display matrix and the pixel aspect applied. */
  readonly display: Size;
};

/** The video stream as ffmpeg's log describes it. */
export type StreamNote = {
  readonly codec: string;
  readonly frameRate: number | null;
  /** Null where the line says nothing of colours. */
  readonly colour: ColourTags | null;
};

/** Complaints that are kept for error messages: the first name the cause, the last the end. */
const keptComplaints = { first: 6, last: 6 };

/**
 * Lines that say nothing of the video: that other decoders than the listed ones may not run (audio is
 * described, never decoded), what ffmpeg guesses of sound and subtitles, options that found no use,
 * and times that go back, which raw pictures do not carry.
 */
const aside = [
  /\(Audio:|\(Subtitle:|\(Data:|\(Attachment:/,
  /Failed to open codec in avformat_find_stream_info/,
  /has not been used for any stream|is deprecated/,
  /non monotonically increasing dts|Non-monotonous DTS/,
];

const unlistedDecoder = /Codec \((\w+)\) not on whitelist/;

const oversize = /max pixel count|Picture size \d+x\d+ is invalid/;

/**
 * Reads ffmpeg's log. The size of the source does not travel with scaled raw pictures, so it is taken
 * from the lines that the filters write: `scale` whenever the size of its input changes, `showinfo`
 * for every picture. ffmpeg writes both before the picture itself, so pictures and notes pair up by
 * counting. Lines are told by their beginning, which holds a word that nobody else knows: the names
 * and values of a file's tags are printed, too, line feeds included, and may look like anything.
 */
export class FfmpegLog {
  /** Name of the filters whose lines count. */
  readonly tag: string;
  readonly #notes: PictureNote[] = [];
  readonly #complaints: string[] = [];
  #display: Size | null = null;
  #timeBase = { numerator: 1, denominator: 1_000_000 };
  #stream: StreamNote | null = null;
  #outputOpen = false;
  #damage: string | null = null;
  #oversize = false;
  readonly #unlisted = new Set<string>();

  /** @param tag unguessable; letters and digits */
  constructor(tag: string) {
    this.tag = tag;
  }

  /** The first video stream; null until ffmpeg has opened the input. */
  get stream(): StreamNote | null {
    return this.#stream;
  }

  /** A picture was refused for its size. */
  get oversize(): boolean {
    return this.#oversize;
  }

  /** The video's own decoder is not on the list of those that may run. */
  get decoderRefused(): boolean {
    return this.#stream !== null && this.#unlisted.has(this.#stream.codec);
  }

  /** First and last lines of level warning and worse, oldest first, without addresses. */
  get complaints(): readonly string[] {
    return this.#complaints;
  }

  /** What ffmpeg last said of damaged video since the last call; null where it said nothing. */
  takeDamage(): string | null {
    const damage = this.#damage;
    this.#damage = null;
    return damage;
  }

  /** The next picture that is announced and not yet taken. */
  takeNote(): PictureNote | undefined {
    return this.#notes.shift();
  }

  /** Takes one line; true where it announced a picture or the stream. */
  read(line: string): boolean {
    if (line.startsWith(`[showinfo@${this.tag} @ `)) return this.#readShowinfo(line);
    if (line.startsWith(`[scale@${this.tag} @ `)) return this.#readScale(line);
    if (
      this.#stream === null &&
      !this.#outputOpen &&
      /^\[info\] +Stream #0:\d+.*: Video: /.test(line)
    ) {
      return this.#readStream(line);
    }
    if (line.startsWith('[info] Output #0')) this.#outputOpen = true;
    if (/\[(warning|error|fatal|panic)\]/.test(line)) this.#readComplaint(line);
    return false;
  }

  #readShowinfo(line: string): boolean {
    const base = /config in time_base: (\d+)\/(\d+)/.exec(line);
    if (base !== null) {
      this.#timeBase = { numerator: Number(base[1]), denominator: Number(base[2]) };
      return false;
    }
    const note = / n: *\d+ pts: *(-?\d+|NOPTS) .* pos: *(-?\d+) .* s:(\d+)x(\d+) /.exec(line);
    if (note === null || this.#display === null) return false;
    this.#notes.push({
      pts: note[1] === 'NOPTS' ? null : Number(note[1]),
      timeBase: this.#timeBase,
      position: Number(note[2]) < 0 ? null : Number(note[2]),
      scaled: { width: Number(note[3]), height: Number(note[4]) },
      display: this.#display,
    });
    return true;
  }

  #readScale(line: string): boolean {
    const size = / w:(\d+) h:(\d+) .*?sar:(\d+)\/(\d+).*? -> w:\d+ h:\d+/.exec(line);
    if (size === null) return false;
    const [width, height, sarNumerator, sarDenominator] = size.slice(1, 5).map(Number) as [
      number,
      number,
      number,
      number,
    ];
    this.#display = displaySize({ width, height }, sarNumerator, sarDenominator);
    return false;
  }

  #readStream(line: string): boolean {
    const codec = /: Video: ([A-Za-z0-9_]+)/.exec(line)?.[1];
    // `none`: damaged headers, not a codec.
    if (codec === undefined || codec === 'none' || line.includes('(attached pic)')) return false;
    this.#stream = { codec, frameRate: readFrameRate(line), colour: readColourTags(line) };
    return true;
  }

  #readComplaint(line: string): void {
    if (aside.some((pattern) => pattern.test(line))) return;
    const unlisted = unlistedDecoder.exec(line)?.[1];
    if (unlisted !== undefined) this.#unlisted.add(unlisted);
    const text = line.replaceAll(/ @ 0x[0-9a-f]+/g, '').replaceAll(/\[(?:error|warning)\] ?/g, '');
    if (unlisted !== undefined) return;
    if (line.includes('[error]')) this.#damage = text.trim();
    this.#complaints.push(text.trim());
    const { first, last } = keptComplaints;
    if (this.#complaints.length > first + last) this.#complaints.splice(first, 1);
    this.#oversize ||= oversize.test(line);
  }
}

/** The HTML video rule: square pixels by enlarging one dimension, rounded. */
function displaySize(coded: Size, sarNumerator: number, sarDenominator: number): Size {
  // 0/1 means unknown, which is shown as square.
  if (sarNumerator === 0 || sarDenominator === 0) return coded;
  const aspect = sarNumerator / sarDenominator;
  return aspect > 1
    ? { width: Math.round(coded.width * aspect), height: coded.height }
    : { width: coded.width, height: Math.round(coded.height / aspect) };
}

/** Rates above this are clocks of the container, not of frames. */
const maxFrameRate = 300;

/** The average rate where the container knows it (fps), else that of the codec's headers (tbr). */
function readFrameRate(line: string): number | null {
  const printed = /, ([\d.]+) fps/.exec(line)?.[1] ?? /, ([\d.]+) tbr/.exec(line)?.[1];
  const rate = Number(printed);
  return rate > 0 && rate <= maxFrameRate ? exactRate(rate) : null;
}

/** ffmpeg prints two decimals: 29.97 stands for 30000/1001. */
function exactRate(printed: number): number {
  const whole = Math.round(printed);
  const ntsc = (whole * 1000) / 1001;
  return Math.abs(printed - ntsc) < 0.005 && printed !== whole ? ntsc : printed;
}
