import type { PictureNote } from './ffmpeg/log.ts';

/**
 * Notices pictures of a raw stream that gave no frame. ffmpeg numbers what it reads, not what it
 * decodes: times rise by one step a picture, also with B-frames, so that a larger step is a gap.
 * libavcodec drops pictures that lack their reference without a word.
 */
export class GapWatch {
  #lastPts: number | null = null;
  /** Smallest step so far: two fields make one frame. */
  #step = Infinity;
  #missing = 0;

  /** Looks at the next picture. */
  note({ pts }: PictureNote): void {
    if (pts === null) return;
    const step = this.#lastPts === null ? 0 : pts - this.#lastPts;
    this.#lastPts = pts;
    if (step <= 0) return;
    if (step >= 2 * this.#step) this.#missing += Math.round(step / this.#step) - 1;
    this.#step = Math.min(this.#step, step);
  }

  /** What was missing since the last call; null where nothing was. */
  take(): string | null {
    if (this.#missing === 0) return null;
    const pictures = this.#missing === 1 ? '1 picture' : `${this.#missing} pictures`;
    this.#missing = 0;
    return `at least ${pictures} gave no frame`;
  }
}
