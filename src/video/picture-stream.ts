import type { Readable } from 'node:stream';
import { SegmentationError } from '../frame/errors.ts';
import { freeMemory } from '../frame/free-memory.ts';
import { abortable } from './chunk-source.ts';
import type { FfmpegLog, PictureNote } from './ffmpeg/log.ts';
import { PictureReader } from './picture-reader.ts';
import type { PlaneWindow } from './picture-reader.ts';

/** Where the pixels of one picture go, and what is handed over once they are there. */
export type PictureSlot<P> = {
  readonly picture: P;
  readonly planes: readonly PlaneWindow[];
  /** Gives the memory back where the picture is never handed over. */
  readonly discard: () => void;
};

/**
 * Pairs the pixels on standard output with the notes of the log, and holds at most `maxQueued`
 * pictures: while they wait, the pipe is not read, so ffmpeg waits, and with it the sender.
 */
export class PictureStream<P> {
  readonly #stdout: Readable;
  readonly #log: FfmpegLog;
  readonly #open: (note: PictureNote) => PictureSlot<P>;
  readonly #maxQueued: number;
  readonly #reader = new PictureReader();
  readonly #queue: PictureSlot<P>[] = [];
  #slot: PictureSlot<P> | null = null;
  #unread: Buffer[] = [];
  #offset = 0;
  #failure: unknown = null;
  #ended = false;
  #notesEnded = false;
  #wake: (() => void) | null = null;

  /** Pictures completed so far. */
  completed = 0;

  constructor(options: {
    readonly stdout: Readable;
    readonly log: FfmpegLog;
    /** Makes room for a picture; what it throws ends the stream. */
    readonly open: (note: PictureNote) => PictureSlot<P>;
    readonly maxQueued: number;
  }) {
    this.#stdout = options.stdout;
    this.#log = options.log;
    this.#open = options.open;
    this.#maxQueued = options.maxQueued;
    this.#stdout.on('data', (bytes: Buffer) => {
      this.#unread.push(bytes);
      this.pump();
    });
    const end = (): void => {
      this.#ended = true;
      this.pump();
    };
    this.#stdout.once('end', end).once('close', end);
  }

  /** Pictures wait to be taken, so that nothing is expected of ffmpeg. */
  get full(): boolean {
    return this.#queue.length >= this.#maxQueued;
  }

  /** Pictures wait to be taken, or all have come: ffmpeg has done what there is to do. */
  get untaken(): boolean {
    return this.#queue.length > 0 || this.#ended;
  }

  /** Goes on after a note came or a picture was taken. */
  pump(): void {
    try {
      while (!this.full && this.#step());
    } catch (error) {
      this.#failure ??= error;
    }
    if (this.#unread.length > 0 && !this.#ended) this.#stdout.pause();
    else this.#stdout.resume();
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  /** The next picture; null after the last. Rejects when the signal fires. */
  async next(signal: AbortSignal): Promise<P | null> {
    for (;;) {
      const slot = this.#queue.shift();
      if (slot !== undefined) {
        this.pump();
        return slot.picture;
      }
      if (this.#failure !== null) throw this.#failure;
      if (this.#ended && this.#unread.length === 0) return null;
      await abortable(
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
        signal,
      );
    }
  }

  /** Wakes a waiting `next` with an error. */
  fail(error: unknown): void {
    this.#failure ??= error;
    this.pump();
  }

  /** No note is to come any more; pixels without one end the stream. */
  endNotes(): void {
    this.#notesEnded = true;
    this.pump();
  }

  /** Gives back all pictures that nobody took. */
  close(): void {
    for (const slot of this.#queue.splice(0)) slot.discard();
    this.#slot?.discard();
    this.#slot = null;
    this.#unread = [];
    this.#failure ??= new Error('picture stream closed');
  }

  /** Takes some bytes; false where it must wait. */
  #step(): boolean {
    const bytes = this.#unread[0];
    if (bytes === undefined || this.#failure !== null) return false;
    if (this.#slot === null) {
      const note = this.#log.takeNote();
      // The note was written first, but on another pipe: it may be read later.
      if (note === undefined) {
        if (this.#notesEnded) throw withoutNote();
        return false;
      }
      this.#slot = this.#open(note);
      this.#reader.begin(this.#slot.planes);
    }
    this.#offset = this.#reader.push(bytes, this.#offset);
    if (this.#offset === bytes.length) {
      this.#unread.shift();
      this.#offset = 0;
      // A read of a pipe has memory of its own; a part of something else is not ours to free.
      if (bytes.length === bytes.buffer.byteLength) freeMemory(bytes);
    }
    if (!this.#reader.busy) {
      this.#queue.push(this.#slot);
      this.#slot = null;
      this.completed++;
    }
    return true;
  }
}

function withoutNote(): SegmentationError {
  const message =
    'expected a line in the log of ffmpeg for each picture, got a picture without one';
  return new SegmentationError('decoder-failed', message);
}
