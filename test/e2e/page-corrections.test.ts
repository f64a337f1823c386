import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, startBrowser } from '../../bench/support/browser.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { centreOf, LivePage } from '../fixtures/live-page.ts';
import { filmScene, type SceneClip } from '../fixtures/scene-clip.ts';
import { type RunningService, startService } from '../fixtures/start-service.ts';

const frameCount = 150;
let folder = '';
let clip: SceneClip;
let running: RunningService;
let browser: Browser;
/** The same video by container, with what makes ffmpeg write it so. */
const files: Readonly<Record<string, readonly string[]>> = {
  'index-last.mp4': [],
  'video.ts': [],
  // Two megabytes come before its first frame.
  'frames-late.mkv': ['-attach', 'ballast.bin', '-metadata:s:t', 'mimetype=x/ballast'],
  // No browser shows it.
  'video.avi': [],
};

if (chromiumPath === null) console.warn('page corrections: skipped, no Chromium');

describe.skipIf(chromiumPath === null)('correcting what is seen of a long file', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'maskstream-page-'));
    clip = await filmScene(join(folder, 'made'), frameCount);
    const { path } = await findConfiguredFfmpeg();
    writeFileSync(join(folder, 'ballast.bin'), new Uint8Array(2 << 20));
    for (const [name, options] of Object.entries(files)) {
      const words = ['-v', 'error', '-i', clip.file, ...options, '-c', 'copy', name];
      execFileSync(path, words, { cwd: folder });
    }
    running = await startService({ MASKSTREAM_WEB_PORT: '0' });
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await running[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  test.each(Object.keys(files))(
    '%s: played, stopped, a frame chosen on the timeline and corrected, it and those after it change',
    async (name) => {
      await using live = await LivePage.open(browser, running.service.pageAddress);
      await live.openFile(join(folder, name));
      await live.clickOn(clip.truths[0]!.get(1)!);
      await live.press('Start');
      await live.shown(100);
      await live.press('Pause');
      const stoppedAt = await live.frameShown();
      const before = await live.masks();
      await live.lookAt(1, stoppedAt - 30);
      const chosen = await live.frameShown();
      await live.clickOn(truthOf(chosen, 2));
      const isCorrected = async () => {
        const after = await live.masks();
        const frames = Array.from({ length: stoppedAt - chosen + 1 }, (_, at) => chosen + at);
        return frames.filter((frame) => isInside(after.ids(frame), truthOf(frame, 2))).length;
      };
      expect(isInside(before.ids(chosen), truthOf(chosen, 2))).toBe(false);
      await expect
        .poll(isCorrected, { timeout: 30_000, interval: 500 })
        .toBe(stoppedAt - chosen + 1);
      const after = await live.masks();
      expect(after.ids(chosen - 1)).toEqual(before.ids(chosen - 1));
      const problems = (await live.problems()).filter((said) => !said.includes('cannot show'));
      expect(problems).toEqual([]);

      await live.press('Go on');
      await live.phase('ended');
      expect((await live.masks()).frames).toBe(frameCount);
    },
  );
});

/** Whether object 1 has the middle of a mask. */
function isInside(ids: Uint8Array, mask: ReturnType<typeof truthOf>): boolean {
  const { x, y } = centreOf(mask);
  return ids[Math.floor(y) * mask.size.width + Math.floor(x)] === 1;
}

function truthOf(frame: number, objectId: number) {
  return clip.truths[frame]!.get(objectId)!;
}
