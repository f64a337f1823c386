import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, startBrowser } from '../../bench/support/browser.ts';
import {
  type Gateway,
  loopbackHosts,
  openGateway,
  readPage,
  resolveServerLimits,
  type ServerLimits,
} from '../../src/server/index.ts';
import { centreOf, LivePage } from '../fixtures/live-page.ts';
import { runStream } from '../fixtures/run-stream.ts';
import { filmScene, type SceneClip } from '../fixtures/scene-clip.ts';
import { startServer, type TestServer } from '../fixtures/start-server.ts';

const frameCount = 150;
const quiet = () => {};
/** Minutes elsewhere; longer than a keyframe takes on a crowded machine. */
const patienceMs = 15_000;
/** Whoever asks for a place gets that of a stream that waits for its client. */
const onePlace = { maxStreams: 1, maxQuietMs: 500 };

let folder = '';
let clip: SceneClip;
let browser: Browser;

if (chromiumPath === null) console.warn('page pause: skipped, no Chromium (Debian: chromium)');

describe.skipIf(chromiumPath === null)(
  'a file that is paused on the live page for longer than the server waits',
  { timeout: 240_000 },
  () => {
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'maskstream-page-'));
      clip = await filmScene(folder, frameCount);
      browser = await startBrowser();
    });
    afterAll(async () => {
      await browser.close();
      rmSync(folder, { recursive: true });
    });

    test('goes on where it stopped, after the server’s patience was over', async () => {
      await using service = await serve({ idleTimeoutMs: patienceMs, stallTimeoutMs: patienceMs });
      await using live = await LivePage.open(browser, service.address);
      await pauseMidway(live);
      const before = await live.masks();
      await isSuspended(live);
      await live.press('Go on');
      await live.phase('ended');
      await hasEveryFrame(live);
      // What was shown is not answered again.
      const after = await live.masks();
      for (let frame = 0; frame < before.frames; frame++) {
        expect(after.ids(frame)).toEqual(before.ids(frame));
      }
    });

    test('takes a correction of what is seen, after another stream had its place', async () => {
      await using service = await serve(onePlace);
      await using live = await LivePage.open(browser, service.address);
      await pauseMidway(live);
      await giveItsPlace(service);
      await isSuspended(live);
      await correct(live, await live.frameShown());
      await live.press('Go on');
      await live.phase('ended');
      await hasEveryFrame(live);
      expect(await live.frameShown()).toBe(frameCount - 1);
    });

    test('can be corrected at its end, after another stream had its place', async () => {
      await using service = await serve(onePlace);
      await using live = await LivePage.open(browser, service.address);
      await live.openFile(clip.file);
      await live.clickOn(clip.truths[0]!.get(1)!);
      await live.press('Start');
      await live.phase('ended');
      await giveItsPlace(service);
      expect(await live.page.locator('.phase').innerText()).toContain('Every frame has its masks');
      await correct(live, frameCount - 1);
      expect(await live.problems()).toEqual([]);
    });
  },
);

/** A server with these limits, and the page at a gateway before it. */
async function serve(
  limits: Partial<ServerLimits>,
): Promise<AsyncDisposable & { readonly server: TestServer; readonly address: string }> {
  const server = await startServer(limits);
  const target = await server.server.listenInside();
  const gateway: Gateway = await openGateway({
    host: '127.0.0.1',
    port: 0,
    target: () => target,
    transport: { kind: 'insecure' },
    origins: { hosts: loopbackHosts, origins: [] },
    limits: resolveServerLimits(limits),
    page: readPage(resolve('dist/web')),
    log: { info: quiet, warn: quiet, error: quiet },
  });
  return {
    server,
    address: `http://127.0.0.1:${gateway.port}`,
    [Symbol.asyncDispose]: async () => {
      await gateway.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function pauseMidway(live: LivePage): Promise<void> {
  await live.openFile(clip.file);
  await live.clickOn(clip.truths[0]!.get(1)!);
  await live.press('Start');
  await live.shown(10);
  await live.press('Pause');
  expect(await live.frameShown()).toBeLessThan(frameCount - 30);
}

/** Another stream asks for a place until it has that of the page, and is served to its end. */
async function giveItsPlace({ server }: { readonly server: TestServer }): Promise<void> {
  const video = readFileSync(clip.file);
  const config = { container: 'mp4', delivery: 'every-frame' } as const;
  const other = () => runStream(server.client.segmentVideo(config), video, []);
  await expect.poll(async () => (await other()).failure, { timeout: 60_000 }).toBeNull();
}

/** Clicks on what belongs to another object, and waits until object 1 has it. */
async function correct(live: LivePage, frame: number): Promise<void> {
  const other = clip.truths[frame]!.get(2)!;
  const { x, y } = centreOf(other);
  const id = async () =>
    (await live.masks()).ids(frame)[Math.floor(y) * other.size.width + Math.floor(x)];
  expect(await id()).not.toBe(1);
  await live.clickOn(other);
  await expect.poll(id, { timeout: 90_000, interval: 500 }).toBe(1);
}

async function isSuspended(live: LivePage): Promise<void> {
  await expect
    .poll(() => live.page.locator('.phase').innerText(), { timeout: 30_000 })
    .toContain('the server gave the place to others');
}

async function hasEveryFrame(live: LivePage): Promise<void> {
  expect((await live.masks()).frames).toBe(frameCount);
  expect(await live.problems()).toEqual([]);
}
