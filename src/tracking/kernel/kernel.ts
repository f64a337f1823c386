import { kernelWasmBase64 } from './kernel-wasm.ts';

/** The part of the WebAssembly interface in use; Node's types do not declare it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** What the C files export; arguments and results are numbers, or addresses of memory. */
type KernelExports = {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly reset: () => void;
  readonly allocate: (bytes: number) => number;
} & Readonly<Record<KernelFunction, (...parameters: number[]) => number>>;

/** An operation of the kernel; each is described where it is defined. */
type KernelFunction =
  // dis-pictures.c, dis-flow.c
  | 'settings'
  | 'prepare'
  | 'grey'
  | 'initialU'
  | 'initialV'
  | 'outU'
  | 'outV'
  | 'load'
  | 'compute'
  // flow-picture.c, difference.c, compose-flow.c, object-motion.c
  | 'flowPicture'
  | 'difference'
  | 'residual'
  | 'mismatch'
  | 'histogramDistance'
  | 'compose'
  | 'follow'
  // warp-mask.c, mask-measure.c, render-mask.c
  | 'warp'
  | 'measure'
  | 'region'
  | 'render'
  // mask-logits.c, model-mask.c, refine-crop.c
  | 'maskFromLogits'
  | 'pasteRefined'
  | 'modelMask'
  | 'cropPicture'
  | 'cropMask'
  // model-picture.c
  | 'modelPicture';

/**
 * The pixel loops in WebAssembly SIMD, with their memory. A call lays out its arguments with `put`
 * and `take`, calls a function and reads the result; `begin` makes the memory free again.
 */
export class Kernel {
  readonly call: Readonly<Record<KernelFunction, (...parameters: number[]) => number>>;
  readonly #exports: KernelExports;
  #floats = new Float32Array(0);
  #ints = new Int32Array(0);
  #bytes = new Uint8Array(0);

  constructor() {
    // Once a thread: code of a module goes only when its last instance was collected.
    compiled ??= new WebAssembly.Module(Buffer.from(kernelWasmBase64, 'base64'));
    this.#exports = new WebAssembly.Instance(compiled).exports as KernelExports;
    this.call = this.#exports;
    this.#exports.reset();
  }

  /** Forgets what earlier calls laid out. */
  begin(): void {
    this.#exports.reset();
  }

  /** Copies an array in; returns its address. Vectors may read up to 16 bytes behind it. */
  put(values: Float32Array | Int32Array | Uint8Array): number {
    const address = this.#exports.allocate(values.byteLength);
    this.#refresh();
    if (values instanceof Float32Array) this.#floats.set(values, address >> 2);
    else if (values instanceof Int32Array) this.#ints.set(values, address >> 2);
    else this.#bytes.set(values, address);
    return address;
  }

  /** Memory for `count` floats, not zeroed; returns its address. */
  take(count: number): number {
    return this.#exports.allocate(4 * count);
  }

  /** The floats at an address; a view that is good until memory is laid out again. */
  floats(address: number, count: number): Float32Array {
    this.#refresh();
    return this.#floats.subarray(address >> 2, (address >> 2) + count);
  }

  /** The integers at an address; see `floats`. */
  ints(address: number, count: number): Int32Array {
    this.#refresh();
    return this.#ints.subarray(address >> 2, (address >> 2) + count);
  }

  /** The bytes at an address; see `floats`. */
  bytes(address: number, count: number): Uint8Array {
    this.#refresh();
    return this.#bytes.subarray(address, address + count);
  }

  /** Memory that grew has a new buffer. */
  #refresh(): void {
    const { buffer } = this.#exports.memory;
    if (this.#floats.buffer === buffer) return;
    this.#floats = new Float32Array(buffer);
    this.#ints = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
  }
}

let compiled: object | null = null;
let scratch: Kernel | null = null;
/** Kernels that were given back; see {@link takeKernel}. */
const spare: Kernel[] = [];
/** As many streams of one thread as come and go side by side on a usual day. */
const mostSpare = 4;

/**
 * A kernel for one user, until it is given back: the memory of one that is forgotten is freed at some
 * time by the garbage collector, which sees little of it, and streams come and go faster.
 */
export function takeKernel(): Kernel {
  const kernel = spare.pop() ?? new Kernel();
  kernel.begin();
  return kernel;
}

/** Gives a kernel of {@link takeKernel} back; nothing may use it, or views of its memory, any more. */
export function giveBackKernel(kernel: Kernel): void {
  if (spare.length < mostSpare) spare.push(kernel);
}

/**
 * This thread's kernel for operations that leave nothing behind: they are pure functions, and what
 * they share is scratch memory, which would otherwise be held once for each stream. Only the flow
 * engine, which keeps pictures, has a kernel of its own.
 */
export function threadKernel(): Kernel {
  scratch ??= new Kernel();
  scratch.begin();
  return scratch;
}
