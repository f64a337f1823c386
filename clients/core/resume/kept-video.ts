import { Container } from '../../../src/gen/maskstream/v1/video_request.ts';
import type { VideoChunk } from '../../../src/gen/maskstream/v1/video_request.ts';

/** Chunks from one random-access point up to the next. */
export type ChunkGroup = {
  /** Number of the access unit that it starts with, counted from 0; null: units are not marked. */
  readonly firstUnit: number | null;
  readonly chunks: VideoChunk[];
  bytes: number;
};

/** What is sent again. */
export type VideoAgain = {
  /** The stream's header, then what is kept. */
  readonly chunks: readonly VideoChunk[];
  /** So many of them are the header. */
  readonly headerChunks: number;
  /** The unit with which the kept part starts; null: not known. */
  readonly firstUnit: number | null;
};

/** What comes before the first frame of these and says how to read them. */
const withHeader: ReadonlySet<Container> = new Set([
  Container.CONTAINER_MP4,
  Container.CONTAINER_MATROSKA,
  Container.CONTAINER_WEBM,
  Container.CONTAINER_IVF,
  Container.CONTAINER_AVI,
  Container.CONTAINER_FLV,
]);

/** A decoder finds the next frame of these by itself, wherever it begins to read. */
const selfSynchronising: ReadonlySet<Container> = new Set([
  Container.CONTAINER_H264_ANNEX_B,
  Container.CONTAINER_HEVC_ANNEX_B,
  Container.CONTAINER_MPEG_TS,
  Container.CONTAINER_MJPEG,
  Container.CONTAINER_MPEG_VIDEO,
]);

/** More before the first random-access point is video, not a header. */
const maxHeaderBytes = 64 * 1024;

/** Units that can be told by their capture time: nine minutes at 30 a second. */
const maxNumberedUnits = 16_384;

/** Groups that are kept where nobody can say which of them was answered. */
const unmarkedGroups = 2;

/**
 * The newest part of the video, from a random-access point on: what a new server needs. Bounded in
 * bytes: where the bound is met the oldest groups go, and at last the only one, so that the stream
 * can go on from the next random-access point only. A stream without marks is kept from its start.
 */
export class KeptVideo {
  readonly #container: Container;
  readonly #maxBytes: number;
  #header: readonly VideoChunk[] = [];
  #groups: ChunkGroup[] = [{ firstUnit: 0, chunks: [], bytes: 0 }];
  #bytes = 0;
  #units = 0;
  #marked = false;
  /** Numbers of the units that are kept or newer, by their capture time. */
  readonly #unitAt = new Map<number, number>();
  /** The only group was too large: what follows is of no use before the next random-access point. */
  #broken = false;

  constructor(container: Container, maxBytes: number) {
    this.#container = container;
    this.#maxBytes = maxBytes;
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Number of the access unit with this capture time; null where it is not known any more. */
  unitAt(captureTimestampUs: number | undefined): number | null {
    return captureTimestampUs === undefined ? null : (this.#unitAt.get(captureTimestampUs) ?? null);
  }

  /** Keeps a chunk that is sent. */
  add(chunk: VideoChunk): void {
    const startsUnit = chunk.captureTimestampUs !== undefined;
    if (chunk.randomAccess) this.#openGroup(startsUnit);
    if (startsUnit) this.#count(chunk.captureTimestampUs!);
    if (this.#broken) return;
    const group = this.#groups.at(-1)!;
    // The sender may use its buffer again.
    group.chunks.push({ ...chunk, data: chunk.data.slice() });
    group.bytes += chunk.data.length;
    this.#bytes += chunk.data.length;
    while (this.#bytes > this.#maxBytes) this.#dropOldest();
  }

  /** A frame was answered: groups before the one that holds its access unit are not needed. */
  trim(unit: number): void {
    while ((this.#groups[1]?.firstUnit ?? Infinity) <= unit) this.#dropOldest();
  }

  /**
   * The chunks of one access unit, that which begins a group and was sent whole; null where it is not
   * known where a unit ends.
   */
  firstUnitOf(unit: number): readonly VideoChunk[] | null {
    const chunks = this.#groups.find(({ firstUnit }) => firstUnit === unit)?.chunks;
    if (chunks === undefined) return null;
    const next = chunks.findIndex(
      ({ captureTimestampUs }, at) => at > 0 && captureTimestampUs !== undefined,
    );
    // A copy: the group grows.
    const whole = chunks.slice(0, next < 0 ? chunks.length : next);
    return next > 0 || whole.at(-1)?.endsAccessUnit === true ? whole : null;
  }

  /** What to send to the next server; null where nothing can be read from here on. */
  again(): VideoAgain | null {
    const header = { chunks: this.#header, headerChunks: this.#header.length };
    if (!this.#broken) {
      const chunks = this.#groups.flatMap((group) => group.chunks);
      const firstUnit = this.#groups[0]?.firstUnit ?? null;
      return { ...header, chunks: [...this.#header, ...chunks], firstUnit };
    }
    const resumable = this.#marked || selfSynchronising.has(this.#container);
    return resumable ? { ...header, firstUnit: null } : null;
  }

  /** A video that is sent again from its start, by whoever has it, begins anew. */
  clear(): void {
    this.#groups = [{ firstUnit: 0, chunks: [], bytes: 0 }];
    this.#header = [];
    this.#unitAt.clear();
    [this.#bytes, this.#units, this.#broken, this.#marked] = [0, 0, false, false];
  }

  #count(captureTimestampUs: number): void {
    this.#unitAt.set(captureTimestampUs, this.#units++);
    if (this.#unitAt.size <= maxNumberedUnits) return;
    const [oldest = 0] = this.#unitAt.keys();
    this.#unitAt.delete(oldest);
  }

  #openGroup(startsUnit: boolean): void {
    // The first frame is number 0, whoever marks what.
    const isFirst = !this.#marked && this.#units === 0 && (this.#groups[0]?.chunks.length ?? 0) < 2;
    const firstUnit = startsUnit || isFirst ? this.#units : null;
    const start = this.#groups[0];
    if (!this.#marked && start !== undefined && !this.#broken) this.#closeHeader(start);
    this.#marked = true;
    this.#broken = false;
    if (this.#groups.at(-1)?.chunks.length === 0) this.#groups.pop();
    this.#groups.push({ firstUnit, chunks: [], bytes: 0 });
    if (firstUnit !== null) return;
    while (this.#groups.length > unmarkedGroups) this.#dropOldest();
  }

  /** What came before the first random-access point: a header, or frames that nothing leads to. */
  #closeHeader(start: ChunkGroup): void {
    const isHeader = start.bytes <= maxHeaderBytes && withHeader.has(this.#container);
    if (isHeader) this.#header = start.chunks;
    this.#bytes -= start.bytes;
    this.#groups = [];
  }

  #dropOldest(): void {
    const oldest = this.#groups.shift();
    this.#bytes -= oldest?.bytes ?? 0;
    const first = this.#groups[0];
    if (first === undefined) {
      this.#broken = true;
      this.#groups = [{ firstUnit: null, chunks: [], bytes: 0 }];
    }
  }
}
