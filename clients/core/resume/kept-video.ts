import { Container } from '../../../src/gen/maskstream/v1/video_request.ts';
import type { VideoChunk } from '../../../src/gen/maskstream/v1/video_request.ts';
import type { FrameMasks } from '../../../src/gen/maskstream/v1/video_response.ts';
import { SentUnits, type UnitPlace } from './sent-units.ts';

/** Chunks from one random-access point up to the next. */
export type ChunkGroup = {
  /** Number of the access unit that it starts with, counted from 0; null: units are not marked. */
  readonly firstUnit: number | null;
  /** Caller's index of the first frame that another decoder makes of it; null: no answer has told. */
  firstFrame: number | null;
  readonly chunks: VideoChunk[];
  bytes: number;
};

/** What is sent again. */
export type VideoAgain = {
  /** The stream's header, then what is kept. */
  readonly chunks: readonly VideoChunk[];
  /** So many of them are the header. */
  readonly headerChunks: number;
  /** Caller's index of the first frame of the kept part; null: not known. */
  readonly firstFrame: number | null;
  /** An answer has told it; else units are counted, as if each gave a frame. */
  readonly isExact: boolean;
  /** No unit was seen to give several frames. */
  readonly areUnitsFrames: boolean;
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

/** Groups that are kept where nobody can say which of them was answered. */
const unmarkedGroups = 2;

/**
 * The newest part of the video, from a random-access point on: what a new server needs. Bounded in
 * bytes: where the bound is met the oldest groups go, and at last the only one, so that the stream
 * can go on from the next random-access point only. A stream without marks is kept from its start.
 *
 * Which frame a group begins with is what its answer said, and not how many units were sent: another
 * decoder makes of the same bytes the same frames, in whatever order and however many.
 */
export class KeptVideo {
  readonly #container: Container;
  readonly #maxBytes: number;
  #header: readonly VideoChunk[] = [];
  #groups: ChunkGroup[] = [groupFrom(0, 0)];
  #bytes = 0;
  readonly #units = new SentUnits();
  #marked = false;
  /** Caller's frame index less number of the unit, of the newest answered frame. */
  #offset = 0;
  /** The same of the first frame of the newest group whose answer told it. */
  #toldOffset = 0;
  #areUnitsFrames = true;
  /** The only group was too large: what follows is of no use before the next random-access point. */
  #broken = false;

  constructor(container: Container, maxBytes: number) {
    this.#container = container;
    this.#maxBytes = maxBytes;
  }

  /** Caller's index of the frame with this capture time, counted in units; null where it is not known. */
  indexAt(captureTimestampUs: number | undefined): number | null {
    const unit = this.#areUnitsFrames ? this.#find(captureTimestampUs) : null;
    return unit && unit.shown + this.#offset;
  }

  /** Keeps a chunk that is sent. */
  add(chunk: VideoChunk): void {
    const startsUnit = chunk.captureTimestampUs !== undefined;
    if (chunk.randomAccess) this.#openGroup(startsUnit);
    if (startsUnit) this.#units.add(chunk.captureTimestampUs!, chunk.randomAccess);
    if (this.#broken) return;
    const group = this.#groups.at(-1)!;
    // The sender may use its buffer again.
    group.chunks.push({ ...chunk, data: chunk.data.slice() });
    group.bytes += chunk.data.length;
    this.#bytes += chunk.data.length;
    while (this.#bytes > this.#maxBytes) this.#dropOldest();
  }

  /** A frame was answered for the first time: groups before the one that holds it are not needed. */
  answered({ frameIndex, captureTimestampUs, framesDroppedBefore }: FrameMasks): void {
    if (captureTimestampUs === undefined && this.#units.count > 0) this.#areUnitsFrames = false;
    const unit = this.#find(captureTimestampUs);
    if (unit === null) return;
    const group = this.#groups.findLast(({ firstUnit }) => (firstUnit ?? Infinity) <= unit.sent);
    const isFirst = group?.firstUnit === unit.sent;
    // Of units with one time the first is meant only if its frame can be no other's.
    const isOnly = isFirst && group.firstFrame === null && framesDroppedBefore === 0;
    if (unit.isShared && !isOnly) return;
    this.#offset = frameIndex - unit.shown;
    this.#units.answered(unit);
    if (group === undefined || group.firstFrame !== null) return;
    // A first frame that was skipped is counted back to, where each unit has given a frame so far.
    if (!isFirst && this.#offset !== this.#toldOffset) return;
    group.firstFrame = isFirst ? frameIndex : group.firstUnit! + this.#offset;
    this.#toldOffset = this.#offset;
    while (this.#groups[0] !== group) this.#dropOldest();
  }

  /**
   * The chunks of the access unit with this capture time, if it begins a group and was sent whole; null
   * where it is not known where it ends.
   */
  firstUnitOf(captureTimestampUs: number | undefined): readonly VideoChunk[] | null {
    const unit = this.#find(captureTimestampUs);
    if (unit === null || unit.isShared) return null;
    const chunks = this.#groups.find(({ firstUnit }) => firstUnit === unit.sent)?.chunks;
    if (chunks === undefined) return null;
    const next = chunks.findIndex((chunk, at) => at > 0 && chunk.captureTimestampUs !== undefined);
    // A copy: the group grows.
    const whole = chunks.slice(0, next < 0 ? chunks.length : next);
    return next > 0 || whole.at(-1)?.endsAccessUnit === true ? whole : null;
  }

  /** What to send to the next server; null where nothing can be read from here on. */
  again(): VideoAgain | null {
    if (this.#broken && !this.#marked && !selfSynchronising.has(this.#container)) return null;
    const [{ firstUnit, firstFrame } = groupFrom(null, null)] = this.#groups;
    return {
      chunks: [...this.#header, ...this.#groups.flatMap(({ chunks }) => chunks)],
      headerChunks: this.#header.length,
      firstFrame: firstFrame ?? (firstUnit === null ? null : firstUnit + this.#offset),
      isExact: firstFrame !== null,
      areUnitsFrames: this.#areUnitsFrames,
    };
  }

  #find(captureTimestampUs: number | undefined): UnitPlace | null {
    return captureTimestampUs === undefined ? null : this.#units.find(captureTimestampUs);
  }

  #openGroup(startsUnit: boolean): void {
    // The first frame is number 0, whoever marks what.
    const { count } = this.#units;
    const isFirst = !this.#marked && count === 0 && (this.#groups[0]?.chunks.length ?? 0) < 2;
    const firstUnit = startsUnit || isFirst ? count : null;
    const start = this.#groups[0];
    if (!this.#marked && start !== undefined && !this.#broken) this.#closeHeader(start);
    this.#marked = true;
    this.#broken = false;
    if (this.#groups.at(-1)?.chunks.length === 0) this.#groups.pop();
    this.#groups.push(groupFrom(firstUnit, isFirst ? 0 : null));
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
      this.#groups = [groupFrom(null, null)];
    }
  }
}

function groupFrom(firstUnit: number | null, firstFrame: number | null): ChunkGroup {
  return { firstUnit, firstFrame, chunks: [], bytes: 0 };
}
