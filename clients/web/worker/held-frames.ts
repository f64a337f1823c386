import type { FrameMasks } from '../../../src/gen/maskstream/v1/video_response.ts';

/** A frame that can be shown: its masks, and its picture where the browser could make one. */
export type HeldFrame = { readonly masks: FrameMasks; readonly picture: ImageBitmap | null };

/**
 * The newest answered frames with their pictures, as many as the server holds for corrections, and
 * the masks alone of all frames for downloads. Owns its pictures.
 */
export class HeldFrames {
  readonly #frames = new Map<number, HeldFrame>();
  readonly #masks = new Map<number, FrameMasks>();
  #most = 60;
  #ahead = 0;

  /** Frames that the server can still correct. */
  set most(count: number) {
    this.#most = Math.max(1, count);
    this.#trim();
  }

  /** Frames beyond the newest one here that the server may have, and hold, already. */
  set ahead(count: number) {
    this.#ahead = count;
    this.#trim();
  }

  /** Adds a frame, or a newer revision of one, whose picture is then kept. */
  add(masks: FrameMasks, picture: ImageBitmap | null): void {
    const { frameIndex } = masks;
    this.#masks.set(frameIndex, masks);
    const earlier = this.#frames.get(frameIndex);
    if (earlier !== undefined && picture !== null) earlier.picture?.close();
    if (earlier === undefined && frameIndex < this.first) {
      picture?.close();
      return;
    }
    this.#frames.set(frameIndex, { masks, picture: picture ?? earlier?.picture ?? null });
    this.#trim();
  }

  get(frameIndex: number): HeldFrame | null {
    return this.#frames.get(frameIndex) ?? null;
  }

  /** Index of the oldest frame that is held; 0 where none is. */
  get first(): number {
    return this.#frames.keys().next().value ?? 0;
  }

  /** Index of the newest frame; -1 where none is. */
  get last(): number {
    return [...this.#frames.keys()].at(-1) ?? -1;
  }

  /** Every answered frame in its newest revision, in order. */
  all(): FrameMasks[] {
    return [...this.#masks.values()].toSorted((a, b) => a.frameIndex - b.frameIndex);
  }

  close(): void {
    for (const { picture } of this.#frames.values()) picture?.close();
    this.#frames.clear();
    this.#masks.clear();
    this.#ahead = 0;
  }

  #trim(): void {
    for (const [index, { picture }] of this.#frames) {
      if (this.#frames.size + this.#ahead <= this.#most || this.#frames.size === 1) return;
      picture?.close();
      this.#frames.delete(index);
    }
  }
}
