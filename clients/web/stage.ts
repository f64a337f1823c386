import type { Box, Point, Size } from '../../src/frame/geometry.ts';
import type { Tool } from './state.ts';

/** What the pointer or the keyboard said on the picture, in display pixels. */
export type StageGesture =
  | { readonly kind: 'click'; readonly point: Point; readonly negative: boolean }
  | { readonly kind: 'box'; readonly box: Box }
  | { readonly kind: 'brush'; readonly mask: Uint8Array };

/** What the stage asks and tells. */
export type StageParts = {
  readonly canvas: HTMLCanvasElement;
  readonly tool: () => Tool;
  readonly negative: () => boolean;
  readonly onGesture: (gesture: StageGesture) => void;
};

/** Pixels of the picture that a key moves the cursor. */
const cursorStep = 8;

/** A drag shorter than this, in pixels of the picture, is a click. */
const leastDrag = 6;

/** Width of the brush, as a share of the picture's longer side. */
const brushRatio = 0.035;

/**
 * Turns pointer and keys over the picture into prompts, and draws what is being made: the box under
 * the pointer, the brush's stroke, the keyboard's cursor.
 */
export class Stage {
  readonly #parts: StageParts;
  readonly #context: CanvasRenderingContext2D;
  #start: Point | null = null;
  #stroke: Point[] = [];
  #cursor: Point | null = null;

  constructor(parts: StageParts) {
    this.#parts = parts;
    const context = parts.canvas.getContext('2d');
    if (context === null) throw new Error('expected a 2D canvas, got none');
    this.#context = context;
    const { canvas } = parts;
    canvas.addEventListener('pointerdown', (event) => this.#down(event));
    canvas.addEventListener('pointermove', (event) => this.#move(event));
    canvas.addEventListener('pointerup', (event) => this.#up(event));
    canvas.addEventListener('pointercancel', () => this.#reset());
    canvas.addEventListener('contextmenu', (event) => event.preventDefault());
    canvas.addEventListener('keydown', (event) => this.#key(event));
    canvas.addEventListener('blur', () => {
      this.#cursor = null;
      this.#redraw();
    });
  }

  /** Follows the picture's size. */
  resize({ width, height }: Size): void {
    const { canvas } = this.#parts;
    canvas.width = width;
    canvas.height = height;
    this.#reset();
  }

  #point(event: PointerEvent): Point {
    const { canvas } = this.#parts;
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return inside(
      {
        x: ((event.clientX - left) / width) * canvas.width,
        y: ((event.clientY - top) / height) * canvas.height,
      },
      canvas,
    );
  }

  #down(event: PointerEvent): void {
    this.#parts.canvas.setPointerCapture(event.pointerId);
    this.#start = this.#point(event);
    this.#stroke = [this.#start];
  }

  #move(event: PointerEvent): void {
    if (this.#start === null) return;
    this.#stroke.push(this.#point(event));
    if (this.#parts.tool() !== 'click') this.#redraw();
  }

  #up(event: PointerEvent): void {
    const start = this.#start;
    if (start === null) return;
    const end = this.#point(event);
    const { onGesture, tool, negative } = this.#parts;
    const isDrag = Math.hypot(end.x - start.x, end.y - start.y) >= leastDrag;
    if (tool() === 'brush' && this.#stroke.length > 1) {
      onGesture({ kind: 'brush', mask: this.#paintedMask() });
    } else if (tool() === 'box' && isDrag) onGesture({ kind: 'box', box: boxOf(start, end) });
    else {
      const off = negative() || event.button === 2 || event.shiftKey;
      onGesture({ kind: 'click', point: start, negative: off });
    }
    this.#reset();
  }

  #key(event: KeyboardEvent): void {
    const { canvas, onGesture, negative } = this.#parts;
    const cursor = this.#cursor ?? { x: canvas.width / 2, y: canvas.height / 2 };
    const step = event.shiftKey ? 1 : cursorStep;
    const moves: Record<string, Point> = {
      ArrowLeft: { x: -step, y: 0 },
      ArrowRight: { x: step, y: 0 },
      ArrowUp: { x: 0, y: -step },
      ArrowDown: { x: 0, y: step },
    };
    const move = moves[event.key];
    if (move !== undefined) {
      this.#cursor = inside({ x: cursor.x + move.x, y: cursor.y + move.y }, canvas);
      this.#redraw();
    } else if (event.key === 'Enter') {
      onGesture({ kind: 'click', point: cursor, negative: negative() });
    } else if (event.key === 'n' || event.key === 'N') {
      onGesture({ kind: 'click', point: cursor, negative: true });
    } else return;
    event.preventDefault();
  }

  #reset(): void {
    this.#start = null;
    this.#stroke = [];
    this.#redraw();
  }

  #redraw(): void {
    const context = this.#context;
    const { canvas, tool } = this.#parts;
    context.clearRect(0, 0, canvas.width, canvas.height);
    const end = this.#stroke.at(-1);
    if (tool() === 'brush' && this.#start !== null) {
      context.globalAlpha = 0.5;
      this.#drawStroke('#ffffff');
      context.globalAlpha = 1;
    } else if (tool() === 'box' && this.#start !== null && end !== undefined) {
      const { x, y, width, height } = boxOf(this.#start, end);
      context.lineWidth = 2;
      context.strokeStyle = '#000000';
      context.strokeRect(x, y, width, height);
      context.setLineDash([6, 4]);
      context.strokeStyle = '#ffffff';
      context.strokeRect(x, y, width, height);
      context.setLineDash([]);
    }
    if (this.#cursor !== null) drawCursor(context, this.#cursor);
  }

  #drawStroke(colour: string): void {
    const context = this.#context;
    const { canvas } = this.#parts;
    context.strokeStyle = colour;
    context.lineWidth = brushRatio * Math.max(canvas.width, canvas.height);
    context.lineCap = 'round';
    context.lineJoin = 'round';
    context.beginPath();
    for (const { x, y } of this.#stroke) context.lineTo(x, y);
    context.stroke();
  }

  #paintedMask(): Uint8Array {
    const { canvas } = this.#parts;
    this.#context.clearRect(0, 0, canvas.width, canvas.height);
    this.#drawStroke('#ffffff');
    const { data } = this.#context.getImageData(0, 0, canvas.width, canvas.height);
    return Uint8Array.from({ length: data.length / 4 }, (_, pixel) =>
      (data[pixel * 4 + 3] ?? 0) >= 128 ? 1 : 0,
    );
  }
}

function clamp(value: number, most: number): number {
  return Math.min(Math.max(value, 0), most - 0.01);
}

function inside({ x, y }: Point, { width, height }: Size): Point {
  return { x: clamp(x, width), y: clamp(y, height) };
}

function boxOf(a: Point, b: Point): Box {
  const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)];
  return { x, y, width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) };
}

function drawCursor(context: CanvasRenderingContext2D, { x, y }: Point): void {
  for (const [colour, lineWidth] of [
    ['#000000', 4],
    ['#ffffff', 2],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = lineWidth;
    context.beginPath();
    context.moveTo(x - 10, y);
    context.lineTo(x + 10, y);
    context.moveTo(x, y - 10);
    context.lineTo(x, y + 10);
    context.stroke();
  }
}
