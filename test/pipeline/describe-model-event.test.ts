import { expect, test } from 'vitest';
import { describeModelEvent } from '../../src/pipeline/describe-model-event.ts';

const lost = { kind: 'inference-lost', waitSeconds: 30 } as const;

test.each([
  ['latest', false, 'masks are propagated until one does, and prompts wait for 30 s at most'],
  ['every-frame', false, 'frames that need the model wait for 30 s at most'],
  ['latest', true, 'the model runs on this server until one does'],
] as const)('lost servers, %s, the model answers: %s: %s', (delivery, isReachable, expected) => {
  const said = describeModelEvent(lost, { delivery, isReachable });
  expect(said).toBe(`no inference server answers; ${expected}`);
});

test('what needs nothing of the stream is the same for all', () => {
  const stream = { delivery: 'latest', isReachable: true } as const;
  expect(describeModelEvent({ kind: 'inference-back' }, stream)).toBe(
    'an inference server answers again',
  );
  expect(describeModelEvent({ kind: 'worker-restarted' }, stream)).toContain('no frame is lost');
});
