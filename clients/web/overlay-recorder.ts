/** Frames a second of a recording: those of the picture, at most. */
const framesPerSecond = 30;

/** Records what is on the canvas, masks included, as a WebM file. */
export class OverlayRecorder {
  readonly #canvas: HTMLCanvasElement;
  readonly #save: (name: string, blob: Blob) => void;
  #recorder: MediaRecorder | null = null;

  /** @param save what to do with a finished file */
  constructor(canvas: HTMLCanvasElement, save: (name: string, blob: Blob) => void) {
    this.#canvas = canvas;
    this.#save = save;
  }

  /** Begins, or ends and saves; whether it records now. */
  toggle(): boolean {
    if (this.#recorder !== null) {
      this.#recorder.stop();
      this.#recorder = null;
      return false;
    }
    const parts: Blob[] = [];
    const stream = this.#canvas.captureStream(framesPerSecond);
    const recorder = new MediaRecorder(stream, { mimeType: 'video/webm' });
    recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
    recorder.addEventListener('stop', () =>
      this.#save('overlay.webm', new Blob(parts, { type: 'video/webm' })),
    );
    recorder.start();
    this.#recorder = recorder;
    return true;
  }
}
