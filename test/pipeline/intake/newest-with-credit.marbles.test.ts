import { describe, expect, test } from 'vitest';
import { liveFrames, type Frame } from '../../../src/frame/frame.ts';
import { newestWithCredit } from '../../../src/pipeline/intake/newest-with-credit.ts';
import { playMarbles, type Marbles } from '../../fixtures/marbles.ts';

function conflate(waiting: Frame, newer: Frame): Frame {
  waiting.close();
  return newer;
}

/** No frame waits behind a newer one, or up to three may. */
function play(marbles: Marbles, mayWait: boolean): Promise<void> {
  return playMarbles(marbles, (source, credit$) =>
    newestWithCredit(source, credit$, {
      mayWait: () => mayWait,
      conflate,
      discard: (frame) => frame.close(),
    }),
  );
}

const impatient: [string, Marbles][] = [
  [
    'never: a silent source says nothing, whatever the credit',
    {
      source: '------',
      credit: '-x-x--',
      output: '------',
      pulled: '------',
      closed: '------',
    },
  ],
  [
    'never: without credit nothing comes out, and all but the newest are closed',
    {
      source: 'a-b-c--',
      credit: '-------',
      leaves: '------!',
      output: '-------',
      pulled: 'a-b-c--',
      closed: '--a-b-c',
    },
  ],
  [
    'empty: the end needs no credit',
    {
      source: '-|----',
      credit: '---x--',
      output: '-|----',
      pulled: '------',
      closed: '------',
    },
  ],
  [
    'one: it waits for credit, and the end waits for it',
    {
      source: 'a|----',
      credit: '---x--',
      output: '---(a|)',
      pulled: 'a-----',
      closed: '------',
    },
  ],
  [
    'one: credit that waits lets it pass at once',
    {
      source: '---a-|',
      credit: '-x----',
      output: '---a-|',
      pulled: '---a--',
      closed: '------',
    },
  ],
  [
    'many: the source is drained as fast as it comes, the newest takes the place of all',
    {
      source: 'a-b-c--d-e-|',
      credit: '-----x--x--x',
      output: '-----c--d--(e|)',
      pulled: 'a-b-c--d-e--',
      closed: '--a-b-------',
    },
  ],
  [
    'error: what waits is handed out first',
    {
      source: 'a-b#----',
      credit: '------x-',
      output: '------(b#)',
      pulled: 'a-b-----',
      closed: '--a-----',
    },
  ],
  [
    'error: it comes at once where nothing waits',
    {
      source: 'a--#----',
      credit: '-x---x--',
      output: '-a-#----',
      pulled: 'a-------',
      closed: '--------',
    },
  ],
  [
    'early unsubscribe: what waits is closed, and so is the one frame that still comes',
    {
      source: 'a-----b-c|',
      credit: '----------',
      leaves: '---!------',
      output: '----------',
      pulled: 'a-----b---',
      closed: '---a--b---',
    },
  ],
];

const patient: [string, Marbles][] = [
  [
    'many: up to three wait, in order',
    {
      source: '(abc)|------',
      credit: '------x-x-x-',
      output: '------a-b-(c|)',
      pulled: '(abc)-------',
      closed: '------------',
    },
  ],
  [
    'many: a fourth takes the place of all',
    {
      source: 'a-b-c-d--e|',
      credit: '--------x--x',
      output: '--------d--(e|)',
      pulled: 'a-b-c-d--e-',
      closed: '------(abc)',
    },
  ],
  [
    'error: all that wait are handed out before it',
    {
      source: 'a-b#----',
      credit: '----x-x-',
      output: '----a-(b#)',
      pulled: 'a-b-----',
      closed: '--------',
    },
  ],
  [
    'early unsubscribe: all that wait are closed, once',
    {
      source: 'a-b-c-----|',
      credit: '-x---------',
      leaves: '------!----',
      output: '-a---------',
      pulled: 'a-b-c------',
      closed: '------(bc)-',
    },
  ],
];

describe('where no frame may wait', () => {
  test.each(impatient)('%s', async (_, marbles) => {
    await play(marbles, false);
    expect(liveFrames()).toBe(0);
  });
});

describe('where frames may wait', () => {
  test.each(patient)('%s', async (_, marbles) => {
    await play(marbles, true);
    expect(liveFrames()).toBe(0);
  });
});
