import { SegmentationError } from '../../frame/errors.ts';
import type { FlowEngine, FlowField, FlowImage } from './types.ts';

/** Options of {@link createFarnebackFlow}. */
export type FarnebackFlowOptions = {
  /** Pyramid levels. Default: 3. */
  levels?: number;
  /** Averaging window in pixels. Default: 9. */
  windowSize?: number;
  /** Iterations per level. Default: 2. */
  iterations?: number;
};

/** The part of opencv-wasm in use; its own types are sources that do not compile in strict ESM. */
type Mat = {
  readonly rows: number;
  readonly cols: number;
  readonly data: Uint8Array;
  readonly data32F: Float32Array;
  delete(): void;
};
type OpenCv = {
  readonly Mat: new (rows: number, cols: number, type: number) => Mat;
  readonly CV_8UC1: number;
  readonly CV_32FC2: number;
  readonly OPTFLOW_USE_INITIAL_FLOW: number;
  calcOpticalFlowFarneback(
    from: Mat,
    to: Mat,
    flow: Mat,
    pyramidScale: number,
    levels: number,
    windowSize: number,
    iterations: number,
    polynomialSize: number,
    polynomialSigma: number,
    flags: number,
  ): void;
};

/**
 * Polynomial expansion (Farnebäck, "Two-Frame Motion Estimation Based on Polynomial Expansion",
 * SCIA 2003) by opencv-wasm, which is loaded on the first call: about 0.1 s and 30 MB. Close the
 * engine: its memory lies outside the garbage collector's reach.
 */
export async function createFarnebackFlow(options: FarnebackFlowOptions = {}): Promise<FlowEngine> {
  const { cv } = await loadOpenCv();
  return new FarnebackFlow(cv, {
    levels: options.levels ?? 3,
    windowSize: options.windowSize ?? 9,
    iterations: options.iterations ?? 2,
  });
}

class FarnebackFlow implements FlowEngine {
  readonly name = 'farneback';
  readonly #cv: OpenCv;
  readonly #options: Required<FarnebackFlowOptions>;
  #mats: { readonly previous: Mat; readonly current: Mat; readonly flow: Mat } | null = null;

  constructor(cv: OpenCv, options: Required<FarnebackFlowOptions>) {
    this.#cv = cv;
    this.#options = options;
  }

  compute(previous: FlowImage, current: FlowImage, out: FlowField, initial?: FlowField): void {
    try {
      this.#compute(previous, current, out, initial);
    } catch (cause) {
      // opencv-wasm throws the address of a C++ exception: a bare number without a message.
      throw new SegmentationError('internal', 'optical flow failed in opencv-wasm', { cause });
    }
  }

  close(): void {
    if (this.#mats === null) return;
    this.#mats.previous.delete();
    this.#mats.current.delete();
    this.#mats.flow.delete();
    this.#mats = null;
  }

  #compute(previous: FlowImage, current: FlowImage, out: FlowField, initial?: FlowField): void {
    const cv = this.#cv;
    const mats = this.#matsFor(out);
    copyGrey(previous, mats.previous.data);
    copyGrey(current, mats.current.data);
    const pairs = mats.flow.data32F;
    if (initial !== undefined) {
      for (let at = 0; at < initial.u.length; at++) {
        pairs[2 * at] = initial.u[at]!;
        pairs[2 * at + 1] = initial.v[at]!;
      }
    }
    const { levels, windowSize, iterations } = this.#options;
    const flags = initial === undefined ? 0 : cv.OPTFLOW_USE_INITIAL_FLOW;
    // From current to previous: backward flow, as FlowField asks.
    cv.calcOpticalFlowFarneback(
      mats.current,
      mats.previous,
      mats.flow,
      0.5,
      levels,
      windowSize,
      iterations,
      5,
      1.1,
      flags,
    );
    // The memory of WebAssembly may have grown and moved, so the view is taken again.
    const result = mats.flow.data32F;
    for (let at = 0; at < out.u.length; at++) {
      out.u[at] = result[2 * at]!;
      out.v[at] = result[2 * at + 1]!;
    }
  }

  #matsFor(size: FlowField) {
    if (this.#mats?.flow.cols === size.width && this.#mats.flow.rows === size.height)
      return this.#mats;
    this.close();
    const { Mat, CV_8UC1, CV_32FC2 } = this.#cv;
    this.#mats = {
      previous: new Mat(size.height, size.width, CV_8UC1),
      current: new Mat(size.height, size.width, CV_8UC1),
      flow: new Mat(size.height, size.width, CV_32FC2),
    };
    return this.#mats;
  }
}

function copyGrey(image: FlowImage, bytes: Uint8Array): void {
  const { grey, width, height, stride, origin } = image.levels[0]!;
  for (let y = 0; y < height; y++) {
    const start = origin + y * stride;
    for (let x = 0; x < width; x++) bytes[y * width + x] = grey[start + x]! + 0.5;
  }
}

/** Loads opencv-wasm and takes back the process-wide listeners that it installs when loaded. */
async function loadOpenCv(): Promise<{ readonly cv: OpenCv }> {
  const emitter: NodeJS.EventEmitter = process;
  const events = ['uncaughtException', 'unhandledRejection'];
  const before = new Set(events.flatMap((event) => emitter.listeners(event)));
  // A plain string keeps the compiler out of the package's types.
  const packageName: string = 'opencv-wasm';
  const { cv } = (await import(packageName)) as { readonly cv: OpenCv };
  for (const event of events) {
    for (const listener of emitter.listeners(event)) {
      if (!before.has(listener)) emitter.off(event, listener as () => void);
    }
  }
  // Wrapped: the module has a `then` of its own, which would make this promise wait for ever.
  return { cv };
}
