import { describeFrame } from '../../../src/calls/describe-answer.ts';
import type { FrameMasks } from '../../../src/gen/maskstream/v1/video_response.ts';
import type { ObjectMask } from '../../../src/gen/maskstream/v1/common.ts';
import type { Size } from '../../../src/frame/geometry.ts';
import type { FromWorker } from '../messages.ts';
import type { FrameSummary, FrameTimes, ViewMode } from '../summaries.ts';
import { HeldFrames } from './held-frames.ts';
import { MaskPainter, type PaintedObject } from './paint-masks.ts';
import { RecentValues } from './percentiles.ts';

const noSize: Size = { width: 0, height: 0 };

/**
 * What is on the canvas. A picture is shown together with the masks of its own frame and never
 * without, so that no mask floats beside its object; a held frame can be shown again, as corrected.
 */
export class Display {
  readonly frames = new HeldFrames();
  /** Milliseconds of unpacking and drawing. */
  readonly drawMs = new RecentValues(150);
  readonly #post: (message: FromWorker) => void;
  #canvas: OffscreenCanvas | null = null;
  #masks = new OffscreenCanvas(1, 1);
  #painter: MaskPainter | null = null;
  /** The painter's pixels as a canvas takes them. */
  #pixels: ImageData | null = null;
  #mode: ViewMode = 'overlay';
  #hidden: ReadonlySet<number> = new Set();
  /** The frame that the user chose to look at; null: the newest. */
  #chosen: number | null = null;
  #shown = -1;

  constructor(post: (message: FromWorker) => void) {
    this.#post = post;
  }

  set canvas(canvas: OffscreenCanvas) {
    this.#canvas = canvas;
  }

  /** Display size in pixels; null before it is known. */
  get size(): Size | null {
    return this.#painter?.size ?? null;
  }

  /** Forgets all frames, before another source. */
  clear(): void {
    this.frames.close();
    this.#chosen = null;
    this.#shown = -1;
  }

  /** Sets the size of pictures and masks, in display pixels. */
  resize({ width, height }: Size): void {
    const size = { width, height };
    if (this.#painter?.size.width === width && this.#painter.size.height === height) return;
    this.#painter = new MaskPainter(size);
    this.#pixels = new ImageData(this.#painter.pixels, width, height);
    this.#masks = new OffscreenCanvas(width, height);
    if (this.#canvas !== null) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    this.#post({ kind: 'size', size });
  }

  /** Chooses how objects are shown, and which are not. */
  setView(mode: ViewMode, hidden: ReadonlySet<number>): void {
    this.#mode = mode;
    this.#hidden = hidden;
    this.#draw(this.#shown);
  }

  /** Shows one held frame until told otherwise; null follows the newest again. */
  choose(frameIndex: number | null): void {
    this.#chosen = frameIndex;
    this.#draw(frameIndex ?? this.frames.last);
  }

  /**
   * Takes an answered frame and its picture, and shows it where it is the one to show.
   *
   * @param timesOf asked once it is drawn: where its time went
   */
  add(
    masks: FrameMasks,
    picture: ImageBitmap | null,
    timesOf: () => FrameTimes | null = () => null,
  ): void {
    this.frames.add(masks, picture);
    const { frameIndex } = masks;
    const isShown = this.#chosen === null ? frameIndex >= this.#shown : frameIndex === this.#chosen;
    if (isShown) this.#draw(frameIndex);
    this.#post({
      kind: 'frame',
      frame: summarise(masks, this.size ?? noSize),
      shown: isShown,
      times: timesOf(),
    });
    this.#tellHeld();
  }

  /** Frames beyond the newest one shown that the server may hold already: so many fewer old ones. */
  set ahead(count: number) {
    this.frames.ahead = count;
    if (this.frames.last >= 0) this.#tellHeld();
  }

  #tellHeld(): void {
    this.#post({ kind: 'held', first: this.frames.first, last: this.frames.last });
  }

  /** Draws plain ground where there is no picture. */
  showGround(): void {
    const context = this.#canvas?.getContext('2d');
    if (!context) return;
    context.fillStyle = '#20242c';
    context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  }

  /** Draws a picture before there is any answer, so that there is something to click on. */
  showPicture(picture: CanvasImageSource): void {
    this.#canvas
      ?.getContext('2d')
      ?.drawImage(picture, 0, 0, this.#canvas.width, this.#canvas.height);
  }

  #draw(frameIndex: number): void {
    const frame = this.frames.get(frameIndex);
    const context = this.#canvas?.getContext('2d');
    const painter = this.#painter;
    const pixels = this.#pixels;
    if (frame === null || !context || painter === null || pixels === null) return;
    const startedMs = performance.now();
    const { width, height } = painter.size;
    if (frame.picture === null) this.showGround();
    else context.drawImage(frame.picture, 0, 0, width, height);
    const shown = frame.masks.objects.filter(({ objectId }) => !this.#hidden.has(objectId));
    if (shown.length > 0 || this.#mode !== 'overlay') {
      const changed = painter.paint(shown.map(paintedObject), this.#mode);
      const { x, y } = changed;
      this.#masks.getContext('2d')?.putImageData(pixels, 0, 0, x, y, changed.width, changed.height);
      context.drawImage(this.#masks, 0, 0);
    }
    this.drawMs.add(performance.now() - startedMs);
    this.#shown = frameIndex;
    this.#post({ kind: 'shown', frameIndex });
  }
}

function paintedObject({ objectId, mask }: ObjectMask): PaintedObject {
  if (mask?.data?.$case !== 'cocoRle') return { objectId, mask: null };
  const { width, height } = mask;
  return { objectId, mask: { size: { width, height }, counts: mask.data.value.counts } };
}

/** A frame without its pixels, for tables and timelines. */
function summarise(masks: FrameMasks, size: Size): FrameSummary {
  const { frameIndex, timestampUs, source, reason, objects } = describeFrame(masks, size);
  return {
    frameIndex,
    timestampUs,
    keyframe: source === 'keyframe',
    reason: reason?.replace('-', ' ') ?? null,
    revision: masks.revision,
    objects,
  };
}
