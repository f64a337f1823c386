import { describe, expect, test } from 'vitest';
import { parseArguments } from '../../../src/cli/command.ts';
import { parseRate } from '../../../src/cli/segment/output-form.ts';
import { segmentCommand } from '../../../src/cli/segment/segment.ts';

const rateOf = (text: string) =>
  parseRate(parseArguments(segmentCommand, [`--fps=${text}`]), 'fps');

describe('frames a second', () => {
  test.each([
    ['5', 5],
    ['0.5', 0.5],
    ['1000', 1000],
  ])('may be %s', (text, rate) => {
    expect(rateOf(text)).toBe(rate);
  });

  test.each(['0', '-1', '1001', 'fast', ' ', 'Infinity'])('may not be "%s"', (text) => {
    const message = `--fps: expected frames a second above 0 and at most 1000, got "${text}"`;
    expect(() => rateOf(text)).toThrow(expect.objectContaining({ code: 'usage', message }));
  });

  test('are null where the option is not given', () => {
    expect(parseRate(parseArguments(segmentCommand, []), 'fps')).toBeNull();
  });
});
