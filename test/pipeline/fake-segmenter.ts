import { SegmentationError } from '../../src/frame/errors.ts';
import type { Frame } from '../../src/frame/frame.ts';
import { wholeView, type Box, type View } from '../../src/frame/geometry.ts';
import type { ModelInfo } from '../../src/frame/model.ts';
import type {
  DecodeRequest,
  Features,
  RefineRequest,
  Segmented,
  Segmenter,
} from '../../src/frame/ports.ts';

export const maskSide = 48;

export const fakeModel: ModelInfo = {
  name: 'fake',
  promptKinds: ['points', 'box', 'mask', 'text'],
  vocabulary: ['square'],
  provider: 'cpu',
  selfTest: { passed: true, iou: 1 },
  licence: 'Apache-2.0',
  maskSide,
  memorySlots: 2,
  maxClicks: 4,
  refiner: null,
  tracking: {
    memoryIntervalFrames: 3,
    minMemoryIou: 0.5,
    averageMemoryPass: false,
    decodePromptTwice: false,
    mirroredPromptLook: false,
    regionScale: null,
    minPresence: 0.5,
  },
  keyframes: { minInterval: 2, maxInterval: 10, minConfidence: 0.1 },
};

/** Moments at which a test may hold or break a call. */
export type SegmenterHooks = {
  encode?: (frameIndex: number) => Promise<void> | void;
  decode?: (frameIndex: number, requests: readonly DecodeRequest[]) => Promise<void> | void;
  refine?: (requests: readonly RefineRequest[]) => Promise<void> | void;
};

/** A model that knows squares by their brightness, and what tests may see of it. */
export type FakeSegmenter = Segmenter & {
  readonly hooks: SegmenterHooks;
  /** Encoded frames, in order. */
  readonly encoded: number[];
  /** The parts of the picture that were encoded, in the same order. */
  readonly regions: Box[];
  /** Whether they were encoded left to right, in the same order. */
  readonly mirrored: boolean[];
  /** Features that are not closed. */
  openFeatures(): number;
};

type FakeFeatures = Features & { readonly grid: Float32Array };

/**
 * Finds the brightness band that clicks, box, prior or memory point at, and answers with all cells
 * of that band; a band that is not in the picture has no presence. Calls end on abort, at once.
 */
export function createFakeSegmenter(info: Partial<ModelInfo> = {}): FakeSegmenter {
  const hooks: SegmenterHooks = {};
  const encoded: number[] = [];
  const regions: Box[] = [];
  const mirroredRuns: boolean[] = [];
  let open = 0;
  return {
    info: { ...fakeModel, ...info },
    hooks,
    encoded,
    regions,
    mirrored: mirroredRuns,
    openFeatures: () => open,
    async encode(frame, signal, view = wholeView) {
      encoded.push(frame.index);
      regions.push(view.region);
      mirroredRuns.push(view.mirrored);
      const grid = cellGrid(frame, view);
      await unlessAborted(hooks.encode?.(frame.index), signal);
      open++;
      return ownedFeatures({ frameIndex: frame.index, ...view, grid }, () => open--);
    },
    async decode(features, requests, signal) {
      await unlessAborted(hooks.decode?.(features.frameIndex, requests), signal);
      return requests.map((request) => segment(features as FakeFeatures, request));
    },
    async refine(requests, signal) {
      await unlessAborted(hooks.refine?.(requests), signal);
      return requests.map(({ prior }) => ({
        logits: prior.map((p) => Math.log((p + 1e-6) / (1 - p + 1e-6))),
        predictedIou: 0.8,
        appearance: new Float32Array([1, 2, 3]),
      }));
    },
    async findText(features, query, signal) {
      await unlessAborted(undefined, signal);
      if (query.phrase !== 'square') {
        throw new SegmentationError('unknown-word', `expected square, got ${query.phrase}`);
      }
      const { grid } = features as FakeFeatures;
      const boxes = ([1, 2] as const).map((band) => bandBox(grid, band));
      return boxes
        .flatMap((box) => (box === null ? [] : [{ box, score: 0.9, noun: 'square' }]))
        .slice(0, query.maxObjects);
    },
  };
}

/** Waits for a hook, but not longer than the signal lets it. */
async function unlessAborted(work: Promise<void> | void, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw cancelled();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(cancelled());
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    await Promise.race([work ?? Promise.resolve(), aborted]);
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort);
  }
}

function cancelled(): SegmentationError {
  return new SegmentationError('cancelled', 'model run cancelled');
}

function ownedFeatures(
  content: Pick<FakeFeatures, 'frameIndex' | 'region' | 'mirrored' | 'grid'>,
  onFree: () => void,
): FakeFeatures {
  let owners = 1;
  const features: FakeFeatures = {
    ...content,
    retain() {
      owners++;
      return features;
    },
    close() {
      if (owners === 0) throw new Error(`features of frame ${content.frameIndex} closed too often`);
      if (--owners === 0) onFree();
    },
    [Symbol.dispose]: () => features.close(),
  };
  return features;
}

/** Brightness of a region's cells, `maskSide` squared, by the pixel at each centre. */
function cellGrid(frame: Frame, { region, mirrored }: View): Float32Array {
  const { width, height } = frame.analysis;
  return Float32Array.from({ length: maskSide * maskSide }, (_, at) => {
    const column = mirrored ? maskSide - 1 - (at % maskSide) : at % maskSide;
    const u = (column + 0.5) / maskSide;
    const v = (Math.floor(at / maskSide) + 0.5) / maskSide;
    const x = Math.floor((region.x + u * region.width) * width);
    const y = Math.floor((region.y + v * region.height) * height);
    return frame.data[y * width + x] ?? 0;
  });
}

function bandOf(luma: number): 0 | 1 | 2 {
  if (luma < 115) return 0;
  return luma < 182 ? 1 : 2;
}

function segment(features: FakeFeatures, request: DecodeRequest): Segmented {
  const band = soughtBand(features, request);
  const logits = features.grid.map((luma) => (band !== 0 && bandOf(luma) === band ? 6 : -6));
  const found = logits.some((logit) => logit > 0);
  const scores = { predictedIou: found ? 0.9 : 0.1, presence: found ? 0.95 : 0.05 };
  return { logits, ...scores, stability: 1, consensus: 1 };
}

function soughtBand(features: FakeFeatures, request: DecodeRequest): 0 | 1 | 2 {
  const click = request.clicks.find(({ label }) => label === 'positive');
  if (click) {
    const column = Math.floor(click.x * maskSide);
    return bandOf(features.grid[Math.floor(click.y * maskSide) * maskSide + column] ?? 0);
  }
  const tracked = request.prior === null ? 0 : heaviestBand(features.grid, request.prior);
  if (tracked !== 0) return tracked;
  const memory = request.memory[0];
  if (memory) return heaviestBand((memory.features as FakeFeatures).grid, memory.mask);
  return request.box === null ? 0 : heaviestBand(features.grid, boxWeights(request.box));
}

function heaviestBand(grid: Float32Array, weights: Float32Array): 0 | 1 | 2 {
  const sums = [0, 0, 0];
  grid.forEach((luma, at) => {
    const band = bandOf(luma);
    sums[band] = (sums[band] ?? 0) + (weights[at] ?? 0);
  });
  if (sums[1] === 0 && sums[2] === 0) return 0;
  return (sums[1] ?? 0) >= (sums[2] ?? 0) ? 1 : 2;
}

function boxWeights(box: Box): Float32Array {
  return Float32Array.from({ length: maskSide * maskSide }, (_, at) => {
    const x = ((at % maskSide) + 0.5) / maskSide;
    const y = (Math.floor(at / maskSide) + 0.5) / maskSide;
    const inside = x >= box.x && y >= box.y && x < box.x + box.width && y < box.y + box.height;
    return inside ? 1 : 0;
  });
}

function bandBox(grid: Float32Array, band: 1 | 2): Box | null {
  const cells = [...grid.keys()].filter((at) => bandOf(grid[at] ?? 0) === band);
  if (cells.length === 0) return null;
  const columns = cells.map((at) => at % maskSide);
  const rows = cells.map((at) => Math.floor(at / maskSide));
  const x = Math.min(...columns) / maskSide;
  const y = Math.min(...rows) / maskSide;
  return {
    x,
    y,
    width: (Math.max(...columns) + 1) / maskSide - x,
    height: (Math.max(...rows) + 1) / maskSide - y,
  };
}
