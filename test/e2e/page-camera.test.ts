import type { Browser, Worker } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, startBrowser } from '../../bench/support/browser.ts';
import { LivePage } from '../fixtures/live-page.ts';
import { type RunningService, startService } from '../fixtures/start-service.ts';
import {
  countFrames,
  failingEncoder,
  noEncoder,
  slowEncoder,
  watchingPage,
  watchWorker,
} from '../fixtures/watched-frames.ts';

/** How a browser gives the frames of its camera. */
const ways = [
  ['a track processor', true],
  ['a video element', false],
] as const;

let running: RunningService;
let browser: Browser;

if (chromiumPath === null) console.warn('page camera: skipped, no Chromium (Debian: chromium)');

describe.skipIf(chromiumPath === null)('the camera of the live page', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    running = await startService({ MASKSTREAM_WEB_PORT: '0' });
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await running[Symbol.asyncDispose]();
  });

  describe.each(ways)('by %s', (_, hasProcessor) => {
    test('leaves no frame open when it is stopped while it encodes, and starts again', async () => {
      await using live = await open(hasProcessor);
      const worker = await watchWorker(live.page);
      for (let start = 0; start < 2; start++) {
        await live.press('Camera');
        await live.phase('running');
        await live.shown(5);
        await live.press('Stop');
        await live.phase('ready');
        await expectAllClosed(live, worker, 5);
      }
      expect(await live.problems()).toEqual([]);
    });

    test('ends the stream when it is unplugged, and leaves no frame open', async () => {
      await using live = await open(hasProcessor);
      const worker = await watchWorker(live.page);
      await live.press('Camera');
      await live.shown(5);
      await live.page.evaluate(`
        for (const track of watched.tracks) {
          track.stop();
          track.dispatchEvent(new Event('ended'));
        }`);
      await live.phase('ended');
      expect(await said(live)).toContain('The stream has ended.');
      await expectAllClosed(live, worker, 5);
    });

    test('says that this browser encodes nothing, is let go, and leaves no frame open', async () => {
      await using live = await open(hasProcessor);
      const worker = await watchWorker(live.page);
      await worker.evaluate(`{${noEncoder}}`);
      await live.press('Camera');
      await live.phase('ended');
      expect(await said(live)).toContain('this browser encodes neither H.264 nor VP8');
      await expectAllClosed(live, worker, 0);
    });

    test('ends with what its encoder failed of, is let go, and leaves no frame open', async () => {
      await using live = await open(hasProcessor);
      const worker = await watchWorker(live.page);
      await worker.evaluate(`{${failingEncoder}}`);
      await live.press('Camera');
      await live.phase('ended');
      expect(await said(live)).toContain("the browser's encoder failed: the hardware is gone");
      await expectAllClosed(live, worker, 10);
    });
  });

  test('what a slow encoder has no time for is dropped before it, and counted', async () => {
    await using live = await open(true);
    const worker = await watchWorker(live.page);
    await worker.evaluate(`{${slowEncoder}}`);
    await live.press('Camera');
    await live.shown(5);
    const dropped = async () => {
      return Number.parseInt(await figure(live, 'Dropped here, by the server'), 10);
    };
    // Five of six; what is encoded is answered, and in order.
    const answered = await live.frameShown();
    await expect.poll(dropped, { timeout: 20_000 }).toBeGreaterThan(4 * answered);
    await live.shown(answered + 2);
    expect(await worker.evaluate('watched.mostWaiting')).toBe(2);
    await live.press('Stop');
    await live.phase('ready');
    await expectAllClosed(live, worker, 30);
  });

  test('a sample that is stopped at once does not begin', async () => {
    await using live = await open(true);
    const worker = await watchWorker(live.page);
    await live.press('Sample');
    await live.press('Stop');
    await live.phase('ready');
    await expectAllClosed(live, worker, 0);
    await live.press('Sample');
    await live.shown(3);
    await live.press('Stop');
    await live.phase('ready');
    await expectAllClosed(live, worker, 3);
    expect(await live.problems()).toEqual([]);
  });
});

async function open(hasProcessor: boolean): Promise<LivePage> {
  const script = watchingPage({ hasProcessor });
  return await LivePage.open(browser, running.service.pageAddress, {
    permissions: ['camera'],
    script,
  });
}

/** Every frame that the page made, and every one that its worker read, is closed; the camera is off. */
async function expectAllClosed(live: LivePage, worker: Worker, least: number): Promise<void> {
  await expect.poll(() => countFrames(worker)).toMatchObject({ open: 0 });
  await expect.poll(() => countFrames(live.page)).toMatchObject({ open: 0 });
  expect((await countFrames(worker)).seen).toBeGreaterThanOrEqual(least);
  const states = await live.page.evaluate<string[]>(
    'watched.tracks.map(({ readyState }) => readyState)',
  );
  expect(states.filter((state) => state !== 'ended')).toEqual([]);
}

function said(live: LivePage): Promise<string> {
  return live.page.locator('.phase').innerText();
}

function figure(live: LivePage, name: string): Promise<string> {
  return live.page.locator(`#figures dt:has-text("${name}") + dd`).innerText();
}
