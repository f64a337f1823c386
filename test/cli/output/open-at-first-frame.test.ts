import { expect, test } from 'vitest';
import { openAtFirstFrame } from '../../../src/cli/output/open-at-first-frame.ts';
import type { Output } from '../../../src/formats/answered-frame.ts';
import { answeredFrame, answeredHeader } from '../../fixtures/answered-frame.ts';

/** An output, and the calls that reach it. */
function recorded(): { output: Output; calls: string[] } {
  const calls: string[] = [];
  const note = (call: string) => async () => void calls.push(call);
  const output = {
    open: async ({ width }: { width: number }) => void calls.push(`open ${width}`),
    write: async ({ frameIndex }: { frameIndex: number }) => void calls.push(`write ${frameIndex}`),
    close: note('close'),
    discard: note('discard'),
  };
  return { output: openAtFirstFrame(output), calls };
}

test('an output is opened once, when the first frame comes', async () => {
  const { output, calls } = recorded();
  await output.open(answeredHeader);
  expect(calls).toEqual([]);
  await output.write(answeredFrame(0, []));
  await output.write(answeredFrame(1, []));
  await output.close();
  expect(calls).toEqual(['open 16', 'write 0', 'write 1', 'close']);
});

test('an output that is closed without a frame is there, and empty', async () => {
  const { output, calls } = recorded();
  await output.open(answeredHeader);
  await output.close();
  expect(calls).toEqual(['open 16', 'close']);
});

test('a run that fails before its first frame opens nothing', async () => {
  const { output, calls } = recorded();
  await output.open(answeredHeader);
  await output.discard();
  expect(calls).toEqual(['discard']);
});
