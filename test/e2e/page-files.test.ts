import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, startBrowser } from '../../bench/support/browser.ts';
import { LivePage } from '../fixtures/live-page.ts';
import { type RunningService, startService } from '../fixtures/start-service.ts';

const hard = resolve('../shared/clips/hard');
/** The server reads them all, a browser may not be able to show them; the longest first. */
const files = [
  // 300 to 745 frames of up to 1080p.
  'mediabunny_0.ts',
  'mediabunny_annex-b-avc.mkv',
  'mediabunny_missing-keyframe-labels.ts',
  'mediabunny_transparency-faulty.webm',
  'mediabunny_transparency.webm',

  'mediabunny_annex-b.mp4',
  'mediabunny_cursed-vfr.mp4',
  'mediabunny_edts.mp4',
  'mediabunny_entry24-segment3.ts',
  'mediabunny_frames.webm',
  'mediabunny_hevc.ts',
  'mediabunny_no-aud.ts',
  'mediabunny_no-initial-keyframe.ts',
  'mediabunny_rotate-buck-bunny.mp4',
  'mediabunny_sar_2x1.mp4',
  'mediabunny_video-h265.mp4',
  'mediabunny_video.mp4',
  'nodeav_1080x2400.h264',
  'nodeav_video_mpeg1.m1v',
];
/** What may be said of them: by the page, then by the server, whose words have their own tests. */
const said = [
  /this browser cannot show .*: its masks are shown on plain ground$/,
  /^This file does not say how many frames a second it has/,
  /^the decoder met damage|ended early/,
];
let running: RunningService;
let browser: Browser;

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

  // A page shows a frame in a sixtieth of a second or more: two pages leave less of the machine idle.
  describe.skipIf(!existsSync(hard))('of a hard file', { concurrent: true }, () => {
    test('every one is tried', () => {
      expect(files.toSorted()).toEqual(readdirSync(hard).toSorted());
    });

    test.each(files)(
      '%s is answered to its end, and shown or said not to be',
      { timeout: 600_000 },
      async (name) => expect(await played(name)).toEqual(toTheEnd),
    );
  });

  test('a recording of the overlay is a WebM file', async () => {
    await using live = await LivePage.open(browser, running.service.pageAddress);
    await live.press('Sample');
    await live.shown();
    await live.press('Record overlay');
    await live.shown((await live.frameShown()) + 30);
    const bytes = await live.download('Stop and save video');
    expect([...bytes.subarray(0, 4)]).toEqual([0x1a, 0x45, 0xdf, 0xa3]);
    expect(bytes.length).toBeGreaterThan(10_000);
    await live.press('Stop');
    await live.phase('ready');
    expect(await live.problems()).toEqual([]);
  });
});

const toTheEnd = {
  phase: expect.stringContaining('Every frame has its masks'),
  showsFrames: true,
  unexpected: [],
};

/** Plays a file in the page: what it says at the end. */
async function played(name: string) {
  await using live = await LivePage.open(browser, running.service.pageAddress);
  await live.openFile(join(hard, name));
  await live.press('Start');
  await live.ended();
  const unexpected = (await live.problems()).filter((text) => !said.some((one) => one.test(text)));
  return {
    phase: await live.page.locator('.phase').innerText(),
    showsFrames: (await live.frameShown()) > 0,
    unexpected,
  };
}
