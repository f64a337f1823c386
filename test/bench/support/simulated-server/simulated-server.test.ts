import { expect, test } from 'vitest';
import type { Film } from '../../../../bench/support/simulated-server/film.ts';
import { simulateServer } from '../../../../bench/support/simulated-server/simulated-server.ts';
import { createFakeSegmenter } from '../../../fixtures/fake-segmenter.ts';
import { movingSquare, paintScene, sceneSize, trueMask } from '../../../fixtures/fake-video.ts';
import { localTrackers } from '../../../fixtures/session-harness.ts';
import { roundCosts } from '../../../fixtures/stream-costs.ts';

const film: Film = {
  analysis: sceneSize,
  display: sceneSize,
  pictures: Array.from({ length: 20 }, (_, index) => {
    using frame = paintScene(movingSquare, index);
    return new Uint8Array(frame.data.slice().buffer as unknown as SharedArrayBuffer);
  }),
};

/** So many cameras that see the moving square for two seconds. */
async function simulate(cameras: number) {
  const { box } = trueMask(movingSquare, 0, 1);
  if (box === null) throw new Error('expected the square in the picture');
  const segmenter = createFakeSegmenter();
  const { answers, coresBusy } = await simulateServer(
    Array.from({ length: cameras }, () => ({ film, boxes: [box] })),
    {
      model: segmenter,
      trackers: localTrackers(),
      costs: roundCosts,
      cores: 2,
      seconds: 2,
      seed: 1,
    },
  );
  expect(segmenter.openFeatures()).toBe(0);
  return { answers, coresBusy };
}

test('one camera is answered after the sum of its costs, frame by frame', async () => {
  const { answers, coresBusy } = await simulate(1);
  const [all = []] = answers;
  expect(all.map(({ frameIndex }) => frameIndex)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  const propagated = all.filter(({ result }) => result.timings.decode === 0).slice(5);
  const latencies = propagated.map(({ latencyMs }) => latencyMs).toSorted((a, b) => a - b);
  // The main thread's three parts, decoding, flow and masks.
  expect(latencies[0]).toBeCloseTo(2 + 4 + 3 + 1);
  expect(coresBusy).toBeGreaterThan(0.15);
});

test('the same from run to run, and too many cameras are answered late or not at all', async () => {
  const { answers } = await simulate(12);
  const again = await simulate(12);
  expect(again.answers).toEqual(answers);
  const answered = answers.map((all) => all.length);
  expect(Math.max(...answered)).toBeLessThan(50);
  expect(Math.min(...answered)).toBeGreaterThan(0);
}, 60_000);
