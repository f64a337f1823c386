import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { chromiumPath, startBrowser } from '../../bench/support/browser.ts';
import { type RunningService, startService } from '../fixtures/start-service.ts';

const hard = resolve('../shared/clips/hard');
/** The short ones: the server reads them all, a browser may not be able to show them. */
const names = [
  'mediabunny_annex-b.mp4',
  'mediabunny_cursed-vfr.mp4',
  'mediabunny_edts.mp4',
  'mediabunny_entry24-segment3.ts',
  'mediabunny_frames.webm',
  'mediabunny_hevc.ts',
  'mediabunny_no-initial-keyframe.ts',
  'mediabunny_rotate-buck-bunny.mp4',
  'mediabunny_sar_2x1.mp4',
  'mediabunny_video-h265.mp4',
  'mediabunny_video.mp4',
  'nodeav_video_mpeg1.m1v',
];
let running: RunningService;
let browser: Browser;
let page: Page;
let complaints: string[] = [];

if (chromiumPath === null) console.warn('page files: skipped, no Chromium (Debian: chromium)');
if (!existsSync(hard)) console.warn('page files: hard clips skipped, no ../shared/clips/hard');

describe.skipIf(chromiumPath === null)('what the live page takes and gives', () => {
  beforeAll(async () => {
    running = await startService({ MASKSTREAM_WEB_PORT: '0' });
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await running[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    page = await browser.newPage();
    complaints = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(running.service.pageAddress ?? '');
    await page.waitForSelector('[data-phase=ready]');
  });
  afterEach(async () => {
    await page.close();
    if (complaints.length > 0) throw new Error(`the page complained: ${complaints.join('; ')}`);
  });

  test.skipIf(!existsSync(hard)).each(names)(
    '%s is answered to its end, and shown or said not to be',
    { timeout: 120_000 },
    async (name) => {
      await page.setInputFiles('input[type=file]', `${hard}/${name}`);
      await page.waitForSelector('[data-phase=waiting]');
      const problems = await page.locator('.problem span').allInnerTexts();
      for (const problem of problems) {
        expect(problem).toMatch(
          /this browser cannot show .*: its masks are shown on plain ground$/,
        );
      }
      await page.getByRole('button', { name: 'Start' }).click();
      await page.waitForSelector('[data-phase=ended]', { timeout: 100_000 });
      expect(await page.locator('.phase').innerText()).toContain('Every frame has its masks');
      const frame = await page.locator('#figures dd').first().innerText();
      expect(Number(frame)).toBeGreaterThan(0);
    },
  );

  test('a recording of the overlay is a WebM file', async () => {
    await page.getByRole('button', { name: 'Sample', exact: true }).click();
    const frame = page.locator('#figures dd').first();
    await expect.poll(() => frame.innerText(), { timeout: 30_000 }).not.toBe('–');
    await page.getByRole('button', { name: 'Record overlay' }).click();
    const begun = Number(await frame.innerText());
    await expect
      .poll(async () => Number(await frame.innerText()), { timeout: 30_000 })
      .toBeGreaterThan(begun + 30);
    const coming = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Stop and save video' }).click();
    const bytes = readFileSync(await (await coming).path());
    expect([...bytes.subarray(0, 4)]).toEqual([0x1a, 0x45, 0xdf, 0xa3]);
    expect(bytes.length).toBeGreaterThan(10_000);
  });
});
