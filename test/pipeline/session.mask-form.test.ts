import { maskPixels } from '../../src/frame/delivered-mask.ts';
import { runLengthsOf } from '../../src/frame/coco-rle.ts';
import { afterEach, expect, test } from 'vitest';
import { encodeCocoRle } from '../../src/frame/coco-rle.ts';
import { click, prompt, readAll, TestSessions } from '../fixtures/session-harness.ts';
import { createFakeSegmenter } from '../fixtures/fake-segmenter.ts';

const sessions = new TestSessions();
afterEach(() => sessions.expectNothingLeft());

async function run(maskForm: 'pixels' | 'coco-rle') {
  const refiner = { cropSide: 16, appearanceLength: 3, maxConfidence: 1.01 };
  const segmenter = createFakeSegmenter({ refiner });
  const session = sessions.open({ segmenter, options: { maskForm } });
  session.inputs.prompt(prompt(1, 0, click(26, 30)));
  // Object 2 is given as nothing: an empty mask has no run lengths.
  const nothing = { size: { width: 96, height: 64 }, box: null, bits: new Uint8Array(0), area: 0 };
  session.inputs
    .prompt(prompt(2, 1, { mask: runLengthsOf(nothing) }))
    .frames(4)
    .end();
  const { results, error } = await readAll(session);
  expect(error).toBeNull();
  return results;
}

test('run lengths made by the tracker are those of the pixels, which can still be read', async () => {
  const [pixels, lengths] = [await run('pixels'), await run('coco-rle')];
  expect(lengths).toHaveLength(4);
  lengths.forEach((result, frameIndex) => {
    const expected = pixels[frameIndex]!.objects;
    expect(result.objects.map(({ objectId }) => objectId)).toEqual(frameIndex === 0 ? [1] : [1, 2]);
    result.objects.forEach((object, i) => {
      const { mask } = expected[i]!;
      expect(mask.form).toBe('pixels');
      const whole = maskPixels(mask);
      expect(maskPixels(object.mask)).toEqual(whole);
      const counts = whole.area === 0 ? null : encodeCocoRle(whole);
      expect(object.mask).toEqual({ form: 'coco-rle', size: whole.size, counts });
    });
  });
});
