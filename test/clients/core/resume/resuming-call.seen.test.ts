import { expect, test } from 'vitest';
import { playConversation } from '../../../fixtures/play-conversation.ts';

const config = {
  container: 'CONTAINER_MP4',
  delivery: 'DELIVERY_EVERY_FRAME',
  maxUnseenFrames: 8,
};
const masks = (frameIndex: number) => ({ masks: { frameIndex, timestampUs: frameIndex * 40_000 } });
const lost = { code: 14, message: 'gone', errorCode: null };

test('the next server is told at once what was seen, before the file is sent again', () => {
  const played = playConversation({
    about: '',
    config,
    servers: 1,
    rewinds: true,
    options: {},
    steps: [
      { do: { start: true }, expect: [] },
      { do: { receive: { taken: { bytes: 65_536 } } }, expect: [] },
      { do: { receive: masks(0) }, expect: [] },
      { do: { receive: masks(1) }, expect: [] },
      { do: { send: { seen: { frameIndex: 1 } } }, expect: [] },
      { do: { break: lost }, expect: [] },
      { do: { send: { seen: { frameIndex: 2 } } }, expect: [] },
      { do: { wait: 5000 }, expect: [] },
    ],
  });
  expect(played[1]).toEqual([{ delivered: { taken: { bytes: 65_536 } } }]);
  expect(played[4]).toEqual([{ sent: { seen: { frameIndex: 1 } } }]);
  // Nobody is there to be told.
  expect(played[6]).toEqual([]);
  const again = played[7]!;
  expect(again.map((said) => Object.keys(said)[0])).toEqual(['opened', 'sent', 'sent', 'rewound']);
  expect(again[1]).toEqual({ sent: { config } });
  expect(again[2]).toEqual({ sent: { seen: { frameIndex: 2 } } });
});
