import { expect, test } from 'vitest';
import { plannedPrompt } from '../../../../src/calls/planned-prompt.ts';
import { parseArguments } from '../../../../src/cli/command.ts';
import { batchOptionsOf } from '../../../../src/cli/segment/batch/batch-options.ts';
import { segmentCommand } from '../../../../src/cli/segment/segment.ts';
import { maskFromBitmap } from '../../../../src/frame/mask.ts';

const optionsOf = (words: readonly string[], pixel = 0) => {
  const size = { width: 4, height: 4 };
  const bitmap = new Uint8Array(16);
  bitmap[pixel] = 1;
  const prompts = [plannedPrompt(1, 0, { prompts: { mask: maskFromBitmap(bitmap, size) } })];
  const given = { prompts, labels: null, labelEvery: null };
  const run = { given, program: '1.2.3', model: 'tiny' };
  return batchOptionsOf(parseArguments(segmentCommand, words), run);
};

test('what changes results is told, what does not is left out', () => {
  const words = 'a.mp4 --out o --box 1,1,2,2 --sequence --jobs 3 --server h:1 --keep-going --json';
  const { prompts, ...rest } = optionsOf(words.split(' '));
  expect(rest).toEqual({
    maskstream: '1.2.3',
    '--model': 'tiny',
    '--box': '1,1,2,2',
    '--sequence': 'on',
  });
  expect(prompts).toMatch(/^[0-9a-f]{16}$/);
});

test('another mask is another option, whatever its file is called', () => {
  expect(optionsOf(['--mask', 'a.png']).prompts).toBe(optionsOf(['--mask', 'b.png']).prompts);
  expect(optionsOf(['--mask', 'a.png'], 1).prompts).not.toBe(
    optionsOf(['--mask', 'a.png']).prompts,
  );
});
