import { afterAll, describe, expect, test } from 'vitest';
import { createDisFlow } from '../../../src/tracking/flow/dis.ts';
import { createFlowField } from '../../../src/tracking/flow/image.ts';
import { comparePictures } from '../../../src/tracking/flow/photometric.ts';
import { createSceneCutDetector, sceneCutThreshold } from '../../../src/tracking/flow/scene-cut.ts';
import { flowImage, noise, picture, type Texture } from '../../fixtures/textures.ts';

const size = { width: 256, height: 144 };
const engine = createDisFlow();
afterAll(() => engine.close());

/** Scores of frames 1.. of a sequence. */
function scores(frames: readonly Uint8Array[]): number[] {
  const detector = createSceneCutDetector();
  const images = frames.map((luma) => flowImage(size, luma));
  return images.slice(1).map((current, index) => {
    const flow = createFlowField(size);
    engine.compute(images[index]!, current, flow);
    const residual = new Float32Array(flow.u.length);
    return detector.score(comparePictures(images[index]!, current, flow, residual));
  });
}

const [first, second] = [noise(31), noise(32)];
const moving = (texture: Texture, dx: number, index: number, light = { gain: 1, offset: 0 }) =>
  picture(size, (x, y) => texture(x - dx * index, y) * light.gain + light.offset);

describe('scene cut', () => {
  test('is noticed on its own frame and not on those around it', () => {
    const frames = [0, 1, 2, 3, 4, 5].map((index) => moving(index < 3 ? first : second, 2, index));
    const cuts = scores(frames).map((score) => score >= sceneCutThreshold);
    expect(cuts).toEqual([false, false, true, false, false]);
  });

  test('between scenes of equal brightness distribution is noticed', () => {
    const frames = [0, 1, 2].map((index) =>
      picture(size, (x, y) => (index < 2 ? first(x, y) : first(x + 5000, y + 3000))),
    );
    expect(scores(frames)[1]).toBeGreaterThanOrEqual(sceneCutThreshold);
  });

  test.each([
    ['a slow pan', [0, 1, 2, 3].map((index) => moving(first, 3, index))],
    ['a fast pan', [0, 1, 2, 3].map((index) => moving(first, 22, index))],
    [
      'a flash of one frame',
      [0, 1, 2, 3].map((index) =>
        moving(first, 1, index, { gain: 1, offset: index === 2 ? 70 : 0 }),
      ),
    ],
    [
      'a fade',
      [1, 0.8, 0.6, 0.4, 0.25].map((gain, index) => moving(first, 1, index, { gain, offset: 0 })),
    ],
    [
      'a large object that rushes through',
      [0, 1, 2, 3, 4].map((index) =>
        picture(size, (x, y) =>
          Math.abs(x - 60 - index * 35) < 45 && y > 30 ? second(x - index * 35, y) : first(x, y),
        ),
      ),
    ],
    ['a flat picture', [0, 1, 2].map(() => picture(size, () => 60))],
  ])('%s is none', (_name, frames) => {
    expect(Math.max(...scores(frames))).toBeLessThan(sceneCutThreshold);
  });
});
