import { describe, expect, test } from 'vitest';
import {
  decideFrame,
  isKnownKeyframe,
  type FrameEvidence,
  type FramePosition,
} from '../../../src/pipeline/keyframe/policy.ts';
import { KeyframeBudget } from '../../../src/pipeline/keyframe/budget.ts';

/** A frame of a film of 24 frames a second. */
const at = (frameIndex: number, frameRate = 24): FramePosition => ({
  frameIndex,
  timestampUs: Math.round((frameIndex * 1e6) / frameRate),
});

const calm: FrameEvidence = {
  ...at(10),
  prompted: false,
  sizeChanged: false,
  resumed: false,
  firstPromptFrame: 3,
  lastKeyframe: at(9),
  trackedObjects: 1,
  missingObjects: 0,
  redetection: 'none',
  sceneCut: 0,
  lowestConfidence: 1,
  largestLossSum: 0,
  live: null,
};

const fixed = (intervalFrames: number) => ({ kind: 'fixed', intervalFrames }) as const;

const adaptive = {
  kind: 'adaptive',
  minIntervalFrames: 3,
  maxIntervalFrames: 20,
  intervalsAreTimes: true,
  minConfidence: 0.6,
} as const;

describe('fixed', () => {
  test('keyframes are exactly the prompt frames and every N frames after the first of them', () => {
    for (const interval of [1, 2, 5, 7]) {
      const prompts = new Set([3, 8]);
      const keyframes: number[] = [];
      for (let frameIndex = 0; frameIndex < 40; frameIndex++) {
        const seen = frameIndex >= 3;
        const decision = decideFrame(
          {
            ...calm,
            frameIndex,
            prompted: prompts.has(frameIndex),
            firstPromptFrame: frameIndex > 3 ? 3 : null,
            trackedObjects: seen ? 1 : 0,
            // Nothing else counts.
            sceneCut: 1,
            lowestConfidence: 0,
          },
          fixed(interval),
        );
        if (decision.kind === 'segment') keyframes.push(frameIndex);
      }
      const expected = [...Array(40).keys()].filter(
        (index) => prompts.has(index) || (index > 3 && (index - 3) % interval === 0),
      );
      expect(keyframes).toEqual(expected);
    }
  });

  test('a frame is known to be a keyframe before its turn where the interval says so', () => {
    const known = [3, 4, 8, 13].filter((frameIndex) => isKnownKeyframe(frameIndex, 3, fixed(5)));
    expect(known).toEqual([8, 13]);
    expect(isKnownKeyframe(8, null, fixed(5))).toBe(false);
    expect(isKnownKeyframe(8, 3, adaptive)).toBe(false);
  });

  test('in LATEST a keyframe whose frame was dropped, or that had to wait, stays due', () => {
    const free = { inWork: false, mayBegin: () => true, isReachable: true };
    const taken = { ...free, mayBegin: () => false };
    const decisions = (
      [
        [7, 3, free],
        [8, 3, taken],
        [9, 3, free],
        [10, 9, free],
        [14, 9, free],
        [9, 3, null],
      ] as const
    ).map(([frameIndex, keyframe, live]) => {
      const lastKeyframe = at(keyframe);
      return decideFrame({ ...calm, frameIndex, lastKeyframe, live }, fixed(5)).kind;
    });
    expect(decisions).toEqual([
      'propagate',
      'propagate',
      'begin',
      'propagate',
      'begin',
      'propagate',
    ]);
  });

  test('cameras that share a model each get their keyframes', () => {
    let nowMs = 0;
    const budget = new KeyframeBudget(() => nowMs);
    const cameras = [0, 1, 2].map((index) => ({ index, lastKeyframe: 0, keyframes: 0 }));
    const running: { readonly stream: object; readonly untilMs: number }[] = [];
    for (let frameIndex = 1; frameIndex <= 300; frameIndex++) {
      for (const camera of cameras) {
        nowMs = (frameIndex + camera.index / 3) * 33;
        while (running[0] !== undefined && running[0].untilMs <= nowMs) {
          budget.end(running.shift()!.stream);
        }
        budget.observe('in-time');
        const lastKeyframe = at(camera.lastKeyframe);
        const inWork = running.some(({ stream }) => stream === camera);
        const live = { inWork, mayBegin: () => budget.tryBegin(camera), isReachable: true };
        const evidence = { ...calm, frameIndex, firstPromptFrame: 0, lastKeyframe, live };
        if (decideFrame(evidence, fixed(6)).kind !== 'begin') continue;
        camera.lastKeyframe = frameIndex;
        camera.keyframes++;
        // 50 ms each: the three need 0.75 of the model's time.
        running.push({ stream: camera, untilMs: nowMs + 50 });
      }
    }
    // Of 49 that were due.
    for (const { keyframes } of cameras) expect(keyframes).toBeGreaterThan(35);
  });

  test('without a first prompt there is nothing to count from', () => {
    const decision = decideFrame({ ...calm, firstPromptFrame: null }, fixed(1));
    expect(decision).toEqual({ kind: 'propagate' });
  });
});

describe('both', () => {
  test.each([
    [{ prompted: true, sizeChanged: true, resumed: true }, 'prompt'],
    [{ sizeChanged: true }, 'size-change'],
    [{ resumed: true, sizeChanged: true }, 'resume'],
    [{ prompted: true, trackedObjects: 0 }, 'prompt'],
    [{ sizeChanged: true, trackedObjects: 0 }, null],
    [{ resumed: true, trackedObjects: 0 }, null],
    [{ sizeChanged: true, trackedObjects: 0, missingObjects: 1 }, 'size-change'],
  ] as const)('%j gives %s', (change, reason) => {
    for (const policy of [fixed(100), adaptive]) {
      const decision = decideFrame({ ...calm, ...change }, policy);
      expect(decision).toEqual(
        reason === null ? { kind: 'propagate' } : { kind: 'segment', reason },
      );
    }
  });
});

describe('adaptive', () => {
  test.each([
    ['nothing speaks for it', {}, null],
    ['a cut', { sceneCut: 0.5 }, 'scene-cut'],
    ['nearly a cut', { sceneCut: 0.49 }, null],
    ['a cut right after a keyframe', { sceneCut: 0.9, lastKeyframe: at(9) }, 'scene-cut'],
    ['low confidence, too young', { lowestConfidence: 0.1, lastKeyframe: at(8) }, null],
    [
      'low confidence, old enough',
      { lowestConfidence: 0.59, lastKeyframe: at(7) },
      'low-confidence',
    ],
    ['confidence at the limit', { lowestConfidence: 0.6, lastKeyframe: at(7) }, null],
    ['the longest interval', { ...at(29), lastKeyframe: at(9) }, 'interval'],
    ['one frame less', { ...at(28), lastKeyframe: at(9) }, null],
    ['losses that have added up', { largestLossSum: 0.49, lastKeyframe: at(7) }, 'low-confidence'],
    ['losses that are not enough yet', { largestLossSum: 0.47, lastKeyframe: at(7) }, null],
    ['losses, too young', { largestLossSum: 9, lastKeyframe: at(8) }, null],
    [
      'something like a hidden object',
      { missingObjects: 1, redetection: 'urgent', lastKeyframe: at(7) },
      'low-confidence',
    ],
    [
      'the same, too young',
      { missingObjects: 1, redetection: 'urgent', lastKeyframe: at(8) },
      null,
    ],
    [
      'a re-detection that can wait',
      { missingObjects: 1, redetection: 'due', lastKeyframe: at(2) },
      null,
    ],
    ['no keyframe yet', { lastKeyframe: null, sceneCut: 1, lowestConfidence: 0 }, null],
    ['nothing to look for', { trackedObjects: 0, sceneCut: 1, lastKeyframe: at(-99) }, null],
  ] as const)('%s', (_title, change, reason) => {
    expect(decideFrame({ ...calm, ...change }, adaptive)).toEqual(
      reason === null ? { kind: 'propagate' } : { kind: 'segment', reason },
    );
  });

  test('where nothing is visible only a search asks for a keyframe', () => {
    const hidden = {
      ...calm,
      trackedObjects: 0,
      missingObjects: 1,
      lastKeyframe: at(0),
      ...at(999),
    };
    expect(decideFrame({ ...hidden, redetection: 'none' }, adaptive)).toEqual({
      kind: 'propagate',
    });
    const due = decideFrame({ ...hidden, redetection: 'due' }, adaptive);
    expect(due).toEqual({ kind: 'segment', reason: 'interval' });
  });

  test('who asks for more confidence gets keyframes after smaller losses', () => {
    const strict = { ...adaptive, minConfidence: 0.9 };
    const evidence = { ...calm, largestLossSum: 0.2, lastKeyframe: at(2) };
    expect(decideFrame(evidence, adaptive)).toEqual({ kind: 'propagate' });
    expect(decideFrame(evidence, strict)).toEqual({ kind: 'segment', reason: 'low-confidence' });
  });
});

describe('adaptive, frames further apart than usual', () => {
  const doubted = { ...calm, largestLossSum: 0.49 };

  test.each([
    [60, 3, 20],
    [30, 3, 20],
    [24, 3, 20],
    [12, 2, 8],
    [5, 1, 2],
    [1, 1, 1],
  ])(
    'at %i frames a second keyframes are at least %i frames apart, and at most %i',
    (frameRate, least, most) => {
      const ages = [...Array(30).keys()].map((age) => age + 1);
      const first = (evidence: Partial<FrameEvidence>) =>
        ages.find((age) => {
          const times = { ...at(100, frameRate), lastKeyframe: at(100 - age, frameRate) };
          return decideFrame({ ...calm, ...evidence, ...times }, adaptive).kind === 'segment';
        });
      expect(first({ largestLossSum: 0.49 })).toBe(least);
      expect(first({})).toBe(most);
    },
  );

  test('intervals that a client names are frames of the video', () => {
    const named = { ...adaptive, intervalsAreTimes: false };
    const times = { ...at(100, 5), lastKeyframe: at(98, 5) };
    expect(decideFrame({ ...doubted, ...times }, named)).toEqual({ kind: 'propagate' });
    const later = { ...times, lastKeyframe: at(97, 5) };
    expect(decideFrame({ ...doubted, ...later }, named).kind).toBe('segment');
  });

  test.each([
    ['stand still', 0],
    ['go back', -1e6],
  ])('where timestamps %s, frames are counted', (_title, stepUs) => {
    const lastKeyframe = { frameIndex: 8, timestampUs: 5e6 };
    const next = (age: number) => ({
      frameIndex: 8 + age,
      timestampUs: 5e6 + age * stepUs,
      lastKeyframe,
    });
    expect(decideFrame({ ...doubted, ...next(2) }, adaptive).kind).toBe('propagate');
    expect(decideFrame({ ...doubted, ...next(3) }, adaptive).kind).toBe('segment');
  });
});

describe('live', () => {
  const unsure = { lowestConfidence: 0.1, lastKeyframe: at(2) };

  test.each([
    [
      'it may begin',
      unsure,
      { inWork: false, mayBegin: true },
      { kind: 'begin', reason: 'low-confidence' },
    ],
    ['others have the model', unsure, { inWork: false, mayBegin: false }, { kind: 'propagate' }],
    ['one is under way', unsure, { inWork: true, mayBegin: true }, { kind: 'propagate' }],
    [
      'a cut puts the one under way out of date',
      { sceneCut: 0.9 },
      { inWork: true, mayBegin: false },
      { kind: 'begin', reason: 'scene-cut' },
    ],
    [
      'a prompt is answered on its own frame',
      { prompted: true },
      { inWork: true, mayBegin: false },
      { kind: 'segment', reason: 'prompt' },
    ],
  ])('%s', (_title, change, { inWork, mayBegin }, decision) => {
    const live = { inWork, mayBegin: () => mayBegin, isReachable: true };
    expect(decideFrame({ ...calm, ...change, live }, adaptive)).toEqual(decision);
  });

  test('the model is asked for only where a keyframe is due, may wait and could begin', () => {
    let asked = 0;
    const mayBegin = () => ++asked > 0;
    const decide = (change: Partial<FrameEvidence>, inWork = false) =>
      decideFrame({ ...calm, ...change, live: { inWork, mayBegin, isReachable: true } }, adaptive);
    decide({});
    decide(unsure, true);
    decide({ sceneCut: 0.9 });
    decide({ prompted: true });
    expect(asked).toBe(0);
    decide(unsure);
    expect(asked).toBe(1);
  });

  test('while no server answers, LATEST propagates, but a prompt waits for its answer', () => {
    const live = { inWork: false, mayBegin: () => true, isReachable: false };
    const decide = (change: Partial<FrameEvidence>) =>
      decideFrame({ ...calm, ...change, live }, adaptive).kind;
    expect([decide(unsure), decide({ sceneCut: 0.9 }), decide({ sizeChanged: true })]).toEqual([
      'propagate',
      'propagate',
      'propagate',
    ]);
    expect([decide({ prompted: true }), decide({ resumed: true })]).toEqual(['segment', 'segment']);
  });
});
