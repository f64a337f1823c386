import { expect, test } from 'vitest';
import { liveFrames, type Frame } from '../../../src/frame/frame.ts';
import { pullWithCredit } from '../../../src/pipeline/intake/pull-with-credit.ts';
import { readAhead } from '../../../src/pipeline/intake/read-ahead.ts';
import { playMarbles, type Marbles } from '../../fixtures/marbles.ts';

function discard(frame: Frame): void {
  frame.close();
}

// Credit asks for one item each. Reading begins with the first one, two ahead of what is asked for.
const specified: [string, Marbles][] = [
  [
    'never: nothing is read before somebody asks',
    {
      source: 'a-b-|',
      credit: '-----',
      output: '-----',
      pulled: '-----',
      closed: '-----',
    },
  ],
  [
    'never: a silent source says nothing',
    {
      source: '------',
      credit: '-x-x--',
      output: '------',
      pulled: '------',
      closed: '------',
    },
  ],
  [
    'empty: it ends as soon as that is known',
    {
      source: '---|--',
      credit: '-x----',
      output: '---|--',
      pulled: '------',
      closed: '------',
    },
  ],
  [
    'one: an item that is there is not held back for those to come',
    {
      source: '---a-----|',
      credit: '-x---x----',
      output: '---a-----|',
      pulled: '---a------',
      closed: '----------',
    },
  ],
  [
    'many: two are read before they are asked for, and no more',
    {
      source: '(abcde)|---------------',
      credit: '--------x-----x-x-x-x-x',
      output: '--------a-----b-c-d-e-|',
      pulled: '--------(abc)-d-e------',
      closed: '-----------------------',
    },
  ],
  [
    'error: what was read before it comes first',
    {
      source: 'a-b#------',
      credit: '-x---x--x-',
      output: '-a---b--#-',
      pulled: '-ab-------',
      closed: '----------',
    },
  ],
  [
    'early unsubscribe: what was read and not asked for is closed, and nothing is read any more',
    {
      source: '(abcd)------|',
      credit: '-------x-----',
      leaves: '---------!---',
      output: '-------a-----',
      pulled: '-------(abc)-',
      closed: '---------(bc)',
    },
  ],
  [
    'early unsubscribe in the middle of a read: the frames that still come are closed',
    {
      source: '-----a-bc|',
      credit: '-x--------',
      leaves: '---!------',
      output: '----------',
      pulled: '-----a-b--',
      closed: '-----a-b--',
    },
  ],
];

test.each(specified)('%s', async (_, marbles) => {
  await playMarbles(marbles, (source, credit$) => {
    const items = readAhead(source, { depth: 2, onRead: () => undefined, discard });
    return pullWithCredit(items, credit$, discard);
  });
  expect(liveFrames()).toBe(0);
});
