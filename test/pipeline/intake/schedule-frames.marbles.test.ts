import { map } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { liveFrames } from '../../../src/frame/frame.ts';
import { pullWithCredit } from '../../../src/pipeline/intake/pull-with-credit.ts';
import {
  discardItem,
  scheduleFrames,
  type ScheduledFrame,
} from '../../../src/pipeline/intake/schedule-frames.ts';
import type { FrameSource } from '../../fixtures/credit-source.ts';
import { playMarbles, type Marbles } from '../../fixtures/marbles.ts';

async function* decoded(source: FrameSource) {
  for await (const frame of source) yield { kind: 'frame', frame } as const;
}

/** Either no prompt waits, or one that needs to know the time of the next frame. */
function play(marbles: Marbles, needsNext: boolean): Promise<void> {
  return playMarbles(marbles, (source, credit$) => {
    const items = scheduleFrames(decoded(source), {
      needsNextFrame: () => needsNext,
      takeCaptureTimestamp: () => null,
      onFrames: () => undefined,
    });
    const scheduled$ = pullWithCredit(items, credit$, discardItem);
    return scheduled$.pipe(map((item) => (item as ScheduledFrame).frame));
  });
}

// Credit asks for one item each.
const passing: [string, Marbles][] = [
  [
    'never: nothing is decoded before somebody asks',
    {
      source: 'a-b-|',
      credit: '-----',
      output: '-----',
      pulled: '-----',
      closed: '-----',
    },
  ],
  [
    'never: a silent decoder says nothing',
    {
      source: '------',
      credit: '-x-x--',
      output: '------',
      pulled: '------',
      closed: '------',
    },
  ],
  [
    'empty: the end of the video is the end',
    {
      source: '-|----',
      credit: '---x--',
      output: '---|--',
      pulled: '------',
      closed: '------',
    },
  ],
  [
    'one: it comes at once',
    {
      source: '---a--|',
      credit: '-x--x--',
      output: '---a--|',
      pulled: '---a---',
      closed: '-------',
    },
  ],
  [
    'many: each is decoded when it is asked for',
    {
      source: '(abc)|-------',
      credit: '------x-x--xx',
      output: '------a-b--c|',
      pulled: '------a-b--c-',
      closed: '-------------',
    },
  ],
  [
    'error: it comes after the frames before it',
    {
      source: 'a-#-----',
      credit: '-x---x--',
      output: '-a---#--',
      pulled: '-a------',
      closed: '--------',
    },
  ],
  [
    'early unsubscribe: no more is decoded',
    {
      source: 'a-b-c-|',
      credit: '-x---x-',
      leaves: '---!---',
      output: '-a-----',
      pulled: '-a-----',
      closed: '-------',
    },
  ],
  [
    'early unsubscribe in the middle of a decode: the frame that still comes is closed',
    {
      source: '-----a-b|',
      credit: '-x-------',
      leaves: '---!-----',
      output: '---------',
      pulled: '-----a---',
      closed: '-----a---',
    },
  ],
];

const waiting: [string, Marbles][] = [
  [
    'never: a frame waits for the next one for as long as that does not come',
    {
      source: 'a----------|',
      credit: '-x----------',
      leaves: '------!-----',
      output: '------------',
      pulled: '-a----------',
      closed: '-----------a',
    },
  ],
  [
    'one: the end of the video frees it',
    {
      source: 'a----|---',
      credit: '-x-----x-',
      output: '-----a-|-',
      pulled: '-a-------',
      closed: '---------',
    },
  ],
  [
    'many: each comes out when the next one is there',
    {
      source: 'a--b----c---|---',
      credit: '-x----x---x---x-',
      output: '---a----b---c-|-',
      pulled: '-a-b----c-------',
      closed: '----------------',
    },
  ],
  [
    'error: the frame that waits is closed',
    {
      source: 'a----#',
      credit: '-x----',
      output: '-----#',
      pulled: '-a----',
      closed: '-----a',
    },
  ],
  [
    'early unsubscribe: the frame that came behind the one that was taken is closed',
    {
      source: 'a--b--|',
      credit: '-x-----',
      leaves: '----!--',
      output: '---a---',
      pulled: '-a-b---',
      closed: '----b--',
    },
  ],
];

describe('where no prompt waits', () => {
  test.each(passing)('%s', async (_, marbles) => {
    await play(marbles, false);
    expect(liveFrames()).toBe(0);
  });
});

describe('where the next time is needed', () => {
  test.each(waiting)('%s', async (_, marbles) => {
    await play(marbles, true);
    expect(liveFrames()).toBe(0);
  });
});
