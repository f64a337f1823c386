import { expect, test } from 'vitest';
import { type ConversationStep, playConversation } from '../../../fixtures/play-conversation.ts';

const config = { container: 'CONTAINER_MP4', delivery: 'DELIVERY_EVERY_FRAME', maxUnseenFrames: 8 };
const masks = (frameIndex: number) => ({ masks: { frameIndex, timestampUs: frameIndex * 40_000 } });
const quiet = { code: 4, message: 'waited for long', errorCode: 'deadline-exceeded' };
const full = { code: 8, message: 'no place', errorCode: 'too-many-streams' };

/** What a file does at each step, whose stream waits for its owner after a deadline of the server. */
function play(steps: readonly ConversationStep['do'][]) {
  return playConversation({
    about: '',
    config,
    servers: 1,
    rewinds: true,
    options: { suspends: ({ errorCode }) => errorCode === 'deadline-exceeded' },
    steps: steps.map((action) => ({ do: action, expect: [] })),
  });
}

test('a stream that is suspended asks nobody until its owner goes on, then the file again', () => {
  const [, , , seen, lost, waited, again, ...answers] = play([
    { start: true },
    { receive: masks(0) },
    { receive: masks(1) },
    { send: { seen: { frameIndex: 1 } } },
    { break: quiet },
    { wait: 3_600_000 },
    { goOn: true },
    { receive: masks(0) },
    { receive: masks(1) },
    { receive: masks(2) },
  ]);
  expect(seen).toEqual([{ sent: { seen: { frameIndex: 1 } } }]);
  expect(lost).toEqual([{ suspended: true }]);
  expect(waited).toEqual([]);
  expect(again!.map((said) => Object.keys(said)[0])).toEqual(['opened', 'sent', 'sent', 'rewound']);
  expect(again![1]).toEqual({ sent: { config } });
  // What was answered is not handed over again, and the pause is no time without a server.
  expect(answers.flat().filter((said) => !('sent' in said))).toEqual([
    { resumed: { gapFrames: 0, awayMs: 0 } },
    { delivered: { masks: expect.objectContaining({ frameIndex: 2 }) } },
  ]);
});

test('a prompt that is made meanwhile is sent once what was seen is answered again', () => {
  const prompt = { requestId: 7, objectId: 1, action: 'PROMPT_ACTION_ADD', frameIndex: 0 };
  const [, , , , stored, again, early, late] = play([
    { start: true },
    { receive: masks(0) },
    { receive: masks(1) },
    { break: quiet },
    { send: { prompt } },
    { goOn: true },
    { receive: masks(0) },
    { receive: masks(1) },
  ]);
  expect(stored).toEqual([]);
  expect(JSON.stringify([again, early])).not.toContain('"prompt"');
  const prompts = late!.filter((said) => JSON.stringify(said).includes('"prompt"'));
  expect(prompts).toHaveLength(1);
  expect(prompts[0]).toMatchObject({ sent: { prompt: { requestId: 7 } } });
});

test('where the server has no room then, it is asked again as after a loss', () => {
  const [, , , again, refused, asked] = play([
    { start: true },
    { receive: masks(0) },
    { break: quiet },
    { goOn: true },
    { break: full },
    { wait: 5000 },
  ]);
  expect(again![0]).toEqual({ opened: 0 });
  expect(refused).toEqual([]);
  expect(asked![0]).toEqual({ opened: 0 });
});

test('going on does nothing to a stream that goes on, or is over', () => {
  const [, , goingOn, , over] = play([
    { start: true },
    { receive: masks(0) },
    { goOn: true },
    { cancel: true },
    { goOn: true },
  ]);
  expect(goingOn).toEqual([]);
  expect(over).toEqual([]);
});

test('a stream that never began is not suspended', () => {
  const [, lost] = play([{ start: true }, { break: quiet }]);
  expect(lost).toEqual([{ ended: quiet }]);
});
