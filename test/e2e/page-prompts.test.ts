import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, startBrowser } from '../../bench/support/browser.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { maskFromBitmap, maskIou, type Mask } from '../../src/frame/mask.ts';
import { boundsOf, centreOf, LivePage } from '../fixtures/live-page.ts';
import { filmScene, type SceneClip } from '../fixtures/scene-clip.ts';
import { type RunningService, startService } from '../fixtures/start-service.ts';

const frameCount = 24;
/** 150 rows of a blue gradient over 138 of grey, with a little noise. */
const skyOverRoad = [
  '-f',
  'lavfi',
  '-i',
  "nullsrc=s=384x288:d=1,geq=r='if(lt(Y,150),127+0.62*Y,85)':g='if(lt(Y,150),178+0.46*Y,88)':b='if(lt(Y,150),230+0.11*Y,92)',noise=alls=8:allf=t",
];
let folder = '';
let image = '';
let clip: SceneClip;
let running: RunningService;
let browser: Browser;

if (chromiumPath === null) console.warn('page prompts: skipped, no Chromium (Debian: chromium)');

describe.skipIf(chromiumPath === null)(
  'what is said on the live page',
  { timeout: 120_000 },
  () => {
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'maskstream-page-'));
      clip = await filmScene(join(folder, 'made'), frameCount);
      image = join(folder, 'first.png');
      const { path } = await findConfiguredFfmpeg();
      execFileSync(path, ['-v', 'error', '-i', clip.file, '-frames:v', '1', image]);
      running = await startService({ MASKSTREAM_WEB_PORT: '0' });
      browser = await startBrowser();
    });
    afterAll(async () => {
      await browser.close();
      await running[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    });

    test('a brushed mask is that of its frame, pixel by pixel, and is followed from there', async () => {
      await using live = await open();
      await live.openFile(clip.file);
      await live.press('Brush');
      const truth = truthOf(0, 1);
      const { x, y, width, height } = boundsOf(truth);
      const stroke = [
        [x + 3, y + height / 2],
        [x + width / 2, y + height / 2],
        [x + width - 3, y + height / 2],
      ] as const;
      await live.drag(truth, stroke);
      await live.press('Start');
      await live.phase('ended');
      const masks = await live.masks();
      const painted = strokeMask(truth, stroke);
      expect(maskIou(masks.mask(0, 1), painted)).toBeGreaterThan(0.9);
      // Sent and answered without a change: no smoothing of the model's.
      expect(masks.mask(0, 1).area).toBeGreaterThan(0.9 * painted.area);
      expect(maskIou(masks.mask(12, 1), truthOf(12, 1))).toBeGreaterThan(0.1);
    });

    test('a click off the object takes its pixel out of the mask, and undo brings it back', async () => {
      await using live = await open();
      await live.openFile(clip.file);
      // Object 1 is behind a post at the end.
      await live.press('Box');
      await live.dragBox(truthOf(0, 2));
      await live.press('Click');
      await live.press('Start');
      await live.phase('ended');
      const last = frameCount - 1;
      const truth = truthOf(last, 2);
      const at = (await live.masks()).mask(last, 1);
      expect(maskIou(at, truth)).toBeGreaterThan(0.6);
      await live.clickOn(truth, 'right');
      await expect
        .poll(async () => idAt((await live.masks()).ids(last), truth), { timeout: 30_000 })
        .toBe(0);
      await live.press('Undo');
      await expect
        .poll(async () => maskIou((await live.masks()).mask(last, 1), truth), { timeout: 30_000 })
        .toBeGreaterThan(0.6);
      expect(await live.problems()).toEqual([]);
    });

    test('a picture is segmented by clicks, refined, taken back, searched by a word, and saved', async () => {
      await using live = await open();
      const { page } = live;
      await live.openFile(image, 'running');
      const [first, second] = [truthOf(0, 1), truthOf(0, 2)];
      await live.clickOn(first);
      await live.visible(1);
      const one = (await live.masks()).mask(0, 1);
      expect(maskIou(one, first)).toBeGreaterThan(0.6);
      // A second click on the same object: both places belong to it.
      await live.clickOn(second);
      await expect
        .poll(async () => idAt((await live.masks()).ids(0), second), { timeout: 30_000 })
        .toBe(1);
      await live.press('Undo');
      await expect
        .poll(async () => maskIou((await live.masks()).mask(0, 1), one), { timeout: 30_000 })
        .toBe(1);
      await live.press('New object');
      await live.press('Box');
      await live.dragBox(second);
      await live.visible(2);
      const both = await live.masks();
      expect(both.frames).toBe(1);
      expect(maskIou(both.mask(0, 2), second)).toBeGreaterThan(0.6);
      await live.press('Remove Object 1');
      await expect.poll(() => page.locator('tr[data-object]').count()).toBe(1);
      await expect
        .poll(async () => (await live.masks()).mask(0, 1).area, { timeout: 30_000 })
        .toBe(0);
      await page.getByRole('combobox', { name: 'Find' }).fill('unicorn');
      await live.press('Find');
      await expect.poll(() => live.problems(), { timeout: 30_000 }).toHaveLength(1);
      // What was there before goes on to be there.
      expect(maskIou((await live.masks()).mask(0, 2), second)).toBeGreaterThan(0.6);
    });

    test('a word that the model knows finds what it names, with a name and a mask', async () => {
      const { path } = await findConfiguredFfmpeg();
      const road = join(folder, 'road.png');
      execFileSync(path, ['-v', 'error', ...skyOverRoad, '-frames:v', '1', road]);
      await using live = await open();
      await live.openFile(road, 'running');
      await live.page.getByRole('combobox', { name: 'Find' }).fill('sky');
      await live.press('Find');
      await live.visible(1);
      expect(await live.page.getByLabel('Name of object 1').inputValue()).toBe('sky');
      const ids = (await live.masks()).ids(0);
      const found = ids.filter((id) => id === 1).length;
      const above = ids.subarray(0, 384 * 150).filter((id) => id === 1).length;
      // The sky, and nothing but the sky.
      expect(above / (384 * 150)).toBeGreaterThan(0.9);
      expect(above / found).toBeGreaterThan(0.9);
      expect(await live.problems()).toEqual([]);
    });

    test('an object beyond the bound is refused with how many fit, and the others are followed', async () => {
      await using few = await startService({
        MASKSTREAM_WEB_PORT: '0',
        MASKSTREAM_MAX_OBJECTS_PER_CLIENT: '1',
      });
      await using live = await LivePage.open(browser, few.service.pageAddress);
      await live.openFile(clip.file);
      await live.clickOn(truthOf(0, 1));
      await live.press('New object');
      await live.clickOn(truthOf(0, 2));
      await live.press('Start');
      await live.phase('ended');
      expect(await live.problems()).toEqual([expect.stringMatching(/\b1 object/)]);
      expect(await live.page.locator('tr[data-object]').count()).toBe(1);
      expect((await live.masks()).mask(0, 1).area).toBeGreaterThan(0);
    });
  },
);

function open(): Promise<LivePage> {
  return LivePage.open(browser, running.service.pageAddress);
}

function truthOf(frame: number, objectId: number): Mask {
  return clip.truths[frame]!.get(objectId)!;
}

/** Which object has the middle of a mask. */
function idAt(ids: Uint8Array, mask: Mask): number | undefined {
  const { x, y } = centreOf(mask);
  return ids[Math.floor(y) * mask.size.width + Math.floor(x)];
}

/** A straight, level stroke of the brush: round ends, 3.5 % of the picture's width. */
function strokeMask({ size }: Mask, stroke: readonly (readonly [number, number])[]): Mask {
  const radius = (0.035 * size.width) / 2;
  const [from, to] = [stroke[0]!, stroke.at(-1)!];
  const inside = (pixel: number) => {
    const [x, y] = [(pixel % size.width) + 0.5, Math.floor(pixel / size.width) + 0.5];
    const nearest = Math.min(Math.max(x, from[0]), to[0]);
    return Math.hypot(x - nearest, y - from[1]) <= radius ? 1 : 0;
  };
  const bitmap = Uint8Array.from({ length: size.width * size.height }, (_, pixel) => inside(pixel));
  return maskFromBitmap(bitmap, size);
}
