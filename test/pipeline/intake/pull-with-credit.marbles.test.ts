import { expect, test } from 'vitest';
import { liveFrames } from '../../../src/frame/frame.ts';
import { pullWithCredit } from '../../../src/pipeline/intake/pull-with-credit.ts';
import { playMarbles, type Marbles } from '../../fixtures/marbles.ts';

const specified: [string, Marbles][] = [
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
    'never: without credit no frame is made',
    {
      source: 'a-b-c-|',
      credit: '-------',
      output: '-------',
      pulled: '-------',
      closed: '-------',
    },
  ],
  [
    'empty: the end is found by the first credit',
    {
      source: '-|----',
      credit: '---x--',
      output: '---|--',
      pulled: '------',
      closed: '------',
    },
  ],
  [
    'one: it is made for its credit, and the end is found by the next',
    {
      source: 'a|------',
      credit: '--x--x--',
      output: '--a--|--',
      pulled: '--a-----',
      closed: '--------',
    },
  ],
  [
    'many: each credit makes one frame, in order; later frames wait in the source',
    {
      source: '(abcd)|----',
      credit: '-x--x-x--x-x',
      output: '-a--b-c--d-|',
      pulled: '-a--b-c--d--',
      closed: '------------',
    },
  ],
  [
    'many: credit that came early is remembered, all of it',
    {
      source: '----a-b--c-|',
      credit: 'xx-x--------',
      output: '----a-b--c--',
      pulled: '----a-b--c--',
      closed: '------------',
    },
  ],
  [
    'error: it comes after the frames before it, when credit finds it',
    {
      source: 'a#------',
      credit: '-x--x---',
      output: '-a--#---',
      pulled: '-a------',
      closed: '--------',
    },
  ],
  [
    'early unsubscribe: nothing is made any more',
    {
      source: '(abc)----',
      credit: '-x--x-x--',
      leaves: '--!------',
      output: '-a-------',
      pulled: '-a-------',
      closed: '---------',
    },
  ],
  [
    'early unsubscribe in the middle of a pull: the frame that still comes is closed',
    {
      source: '-----a-b|',
      credit: '-xx------',
      leaves: '---!-----',
      output: '---------',
      pulled: '-----a---',
      closed: '-----a---',
    },
  ],
];

test.each(specified)('%s', async (_, marbles) => {
  await playMarbles(marbles, (source, credit$) =>
    pullWithCredit(source, credit$, (frame) => frame.close()),
  );
  expect(liveFrames()).toBe(0);
});
