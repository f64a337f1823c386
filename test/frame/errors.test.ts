import { expect, test } from 'vitest';
import { errorCodes, SegmentationError } from '../../src/frame/errors.ts';

test('an error of ours stays itself, anything else says nothing of its cause', () => {
  const ours = new SegmentationError('worker-died', 'it died');
  expect(SegmentationError.from(ours)).toBe(ours);
  for (const reason of [new Error('secret'), 'secret', undefined]) {
    const error = SegmentationError.from(reason);
    expect(error).toMatchObject({ code: 'internal', message: 'internal error', cause: reason });
  }
  expect(new Set(errorCodes).size).toBe(errorCodes.length);
});
