import assert from 'node:assert/strict';
import { liveFrames } from '../../src/frame/frame.ts';
import type { Mask } from '../../src/frame/mask.ts';
import type { PromptAction, Prompts, PromptTarget, PromptUpdate } from '../../src/frame/prompt.ts';
import type { KeyframeBudget } from '../../src/pipeline/keyframe/budget.ts';
import { runSession } from '../../src/pipeline/session.ts';
import type {
  FrameResult,
  SessionEvent,
  SessionInput,
  SessionLimits,
  SessionOptions,
  SessionSummary,
} from '../../src/pipeline/session-types.ts';
import type { TrackerHandle, TrackerPool } from '../../src/pipeline/tracker/pool.ts';
import { createDisFlow } from '../../src/tracking/flow/dis.ts';
import { Tracker } from '../../src/tracking/tracker.ts';
import { createFakeSegmenter, type FakeSegmenter } from './fake-segmenter.ts';
import {
  fakeDecode,
  movingSquare,
  twoSquares,
  type DecodeTrouble,
  type DecodeWatch,
  type Scene,
} from './fake-video.ts';

export const testLimits: SessionLimits = {
  maxObjects: 4,
  maxPoints: 8,
  maxPendingPrompts: 8,
  retainedFrames: 6,
  maxRetainedBytes: 64 * 2 ** 20,
  lostAfterUs: 400_000,
};

/** A stream under test: its inputs are pushed, its events are read. */
export type TestSession = {
  readonly inputs: InputScript;
  readonly events: AsyncIterator<SessionEvent> & AsyncIterable<SessionEvent>;
  readonly watch: DecodeWatch;
  readonly segmenter: FakeSegmenter;
  readonly stop: AbortController;
};

/** What a test session is made of; everything has a default. */
export type SessionSetup = {
  readonly scene?: Scene;
  readonly trouble?: DecodeTrouble;
  readonly segmenter?: FakeSegmenter;
  readonly trackers?: TrackerPool;
  readonly options?: Partial<SessionOptions>;
  readonly limits?: Partial<SessionLimits>;
  /** Default: the real clock. */
  readonly nowMs?: () => number;
  /** Default: the stream's own. */
  readonly budget?: KeyframeBudget;
};

/** Opens a session over fakes; nothing runs before the first event is asked for. */
export function openTestSession(setup: SessionSetup = {}): TestSession {
  const watch: DecodeWatch = { framesDecoded: 0, mostAlive: 0, ended: false };
  const inputs = new InputScript();
  const segmenter = setup.segmenter ?? createFakeSegmenter();
  const stop = new AbortController();
  const options: SessionOptions = {
    container: 'mp4',
    delivery: 'every-frame',
    overlap: 'disjoint',
    keyframes: { kind: 'fixed', intervalFrames: 5 },
    frameRate: null,
    expectedSize: { width: null, height: null },
    maskLongSide: null,
    resume: [],
    limits: { ...testLimits, ...setup.limits },
    signal: stop.signal,
    goingAway: null,
    ...setup.options,
  };
  const session = runSession(inputs, options, {
    decode: fakeDecode(setup.scene ?? movingSquare, watch, setup.trouble),
    segmenter,
    trackers: setup.trackers ?? localTrackers(),
    nowMs: setup.nowMs ?? (() => performance.now()),
    ...(setup.budget === undefined ? {} : { budget: setup.budget }),
  });
  const events = session[Symbol.asyncIterator]() as TestSession['events'];
  return { inputs, events, watch, segmenter, stop };
}

/** The sessions of one test: when it is over, nothing of theirs may be left. */
export class TestSessions {
  #opened: TestSession[] = [];

  /** As {@link openTestSession}, and remembered. */
  readonly open = (setup: SessionSetup = {}): TestSession => {
    const session = openTestSession(setup);
    this.#opened.push(session);
    return session;
  };

  /** Fails where a frame, features or a decoder outlived its stream. */
  expectNothingLeft(): void {
    const opened = this.#opened;
    this.#opened = [];
    const left = {
      frames: liveFrames(),
      features: opened.reduce((sum, { segmenter }) => sum + segmenter.openFeatures(), 0),
      decoders: opened.filter(({ watch }) => watch.framesDecoded > 0 && !watch.ended).length,
    };
    assert.deepEqual(left, { frames: 0, features: 0, decoders: 0 });
  }
}

/** Inputs that a test pushes while the session runs. */
export class InputScript implements AsyncIterable<SessionInput> {
  readonly #waiting: SessionInput[] = [];
  #end: 'open' | 'ended' | { readonly error: unknown } = 'open';
  #wake: (() => void) | null = null;
  /** Inputs that the session took. */
  taken = 0;

  push(...inputs: SessionInput[]): this {
    this.#waiting.push(...inputs);
    this.#wake?.();
    return this;
  }

  /** Pushes this many frames. */
  frames(count: number): this {
    for (let i = 0; i < count; i++) {
      this.push({ kind: 'chunk', data: new Uint8Array(1), captureTimestampUs: null });
    }
    return this;
  }

  prompt(update: PromptUpdate): this {
    return this.push({ kind: 'prompt', update });
  }

  endOfVideo(): this {
    return this.push({ kind: 'end-of-video' });
  }

  /** The client half-closes. */
  end(): this {
    this.#end = 'ended';
    this.#wake?.();
    return this;
  }

  /** The client's messages break here. */
  fail(error: unknown): this {
    this.#end = { error };
    this.#wake?.();
    return this;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SessionInput, void, undefined> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) {
        this.taken++;
        yield next;
      } else if (this.#end === 'open') {
        await new Promise<void>((resolve) => (this.#wake = resolve));
      } else if (this.#end === 'ended') {
        return;
      } else {
        throw this.#end.error;
      }
    }
  }
}

let requests = 0;

/** An update with a fresh request id; a box, clicks or a mask make its prompts. */
export function prompt(
  objectId: number,
  at: PromptTarget | number,
  said: Partial<Prompts> & {
    readonly action?: PromptAction;
    readonly label?: string;
    readonly text?: PromptUpdate['text'];
  } = {},
): PromptUpdate {
  const { action = 'add', label = null, text = null, points = [], box = null, mask = null } = said;
  return {
    requestId: ++requests,
    objectId,
    action,
    at: typeof at === 'number' ? { kind: 'frame', frameIndex: at } : at,
    prompts: { points, box, mask },
    text,
    label,
  };
}

/** A positive click. */
export function click(x: number, y: number): Partial<Prompts> {
  return { points: [{ x, y, label: 'positive' }] };
}

/** A stream of the {@link twoSquares}, which boxes name on its first frame; it ends after `frames`. */
export function openTwoBoxes(
  open: (setup: SessionSetup) => TestSession,
  segmenter: FakeSegmenter,
  frames: number,
): TestSession {
  const session = open({ scene: twoSquares, segmenter });
  twoSquares.boxes.forEach((box, i) => session.inputs.prompt(prompt(i + 1, 0, { box })));
  session.inputs.frames(frames).end();
  return session;
}

/** Everything a stream said. */
export type Outcome = {
  readonly events: readonly SessionEvent[];
  readonly results: readonly FrameResult[];
  /** What the iteration threw; null where it just ended. */
  readonly error: unknown;
  readonly summary: SessionSummary | null;
};

/** Reads a session to its end. */
export async function readAll(session: Pick<TestSession, 'events'>): Promise<Outcome> {
  const events: SessionEvent[] = [];
  let error: unknown = null;
  try {
    for await (const event of session.events) events.push(event);
  } catch (reason) {
    error = reason;
  }
  const results = events.flatMap((event) => (event.kind === 'masks' ? [event.result] : []));
  const last = events.at(-1);
  return { events, results, error, summary: last?.kind === 'summary' ? last.summary : null };
}

/** Reads up to and including the first event that fits. */
export async function readUntil(
  session: Pick<TestSession, 'events'>,
  fits: (event: SessionEvent) => boolean,
): Promise<SessionEvent[]> {
  const events: SessionEvent[] = [];
  for (;;) {
    const next = await session.events.next();
    if (next.done === true) throw new Error(`ended after ${JSON.stringify(events)}`);
    events.push(next.value);
    if (fits(next.value)) return events;
  }
}

/** Whether an event is the masks of a frame, in a revision. */
export function isMasks(frameIndex: number, revision = 0): (event: SessionEvent) => boolean {
  return (event) =>
    event.kind === 'masks' &&
    event.result.frameIndex === frameIndex &&
    event.result.revision === revision;
}

/** The newest revision of each frame. */
export function newestRevisions(results: readonly FrameResult[]): Map<number, FrameResult> {
  return new Map(results.map((result) => [result.frameIndex, result]));
}

/** The mask of one object on one result. */
export function maskOf(result: FrameResult | undefined, objectId: number): Mask {
  const object = result?.objects.find((one) => one.objectId === objectId);
  if (!object) throw new Error(`no object ${objectId} on frame ${result?.frameIndex}`);
  return object.mask;
}

/** Trackers in this very thread: the same code without the hop, so that a test may hold it. */
export function localTrackers(beforeCall?: (method: string) => Promise<void> | void): TrackerPool {
  return {
    open: async ({ flowEngine: _dis, ...options }) => {
      const tracker = new Tracker({ ...options, engine: createDisFlow() });
      const call: TrackerHandle['call'] = async (method, ...parameters) => {
        await beforeCall?.(method);
        const run = tracker[method] as (...all: readonly unknown[]) => never;
        return run.apply(tracker, [...parameters]);
      };
      return { call, close: () => tracker.close() };
    },
    close: async () => undefined,
  };
}

/** A promise that a test settles. */
export function gate(): { readonly opened: Promise<void>; open: () => void } {
  let release: () => void = Boolean;
  const opened = new Promise<void>((resolve) => (release = resolve));
  return { opened, open: () => release() };
}
