import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import { readIndexedPng } from '../../src/formats/indexed-png.ts';
import { maskFromBitmap, maskIou } from '../../src/frame/mask.ts';
import { chromiumPath, startBrowser } from '../../bench/support/browser.ts';
import { captureCli } from '../fixtures/capture-cli.ts';
import { boundsOf, LivePage, type LivePageOptions } from '../fixtures/live-page.ts';
import { filmScene, type SceneClip } from '../fixtures/scene-clip.ts';
import { type RunningService, startService } from '../fixtures/start-service.ts';

const frameCount = 24;
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
let folder = '';
let clip: SceneClip;
let running: RunningService;
let browser: Browser;
let live: LivePage;
let page: Page;

if (chromiumPath === null) console.warn('page: skipped, no Chromium (Debian: chromium)');

describe.skipIf(chromiumPath === null)('the live page', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'maskstream-page-'));
    clip = await filmScene(join(folder, 'made'), frameCount);
    running = await startService({ MASKSTREAM_WEB_PORT: '0' });
    browser = await startBrowser(await cameraFile());
  });
  afterAll(async () => {
    await browser.close();
    await running[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });
  beforeEach(async () => {
    await open({ permissions: ['camera'] });
  });
  afterEach(async () => {
    await live[Symbol.asyncDispose]();
  });

  test('says that it is ready, and loads nothing from elsewhere', async () => {
    expect(await page.locator('.phase').innerText()).toBe('Ready · maskstream-tiny');
  });

  test.each(['light', 'dark'] as const)(
    'has no accessibility violations in %s',
    async (colorScheme) => {
      await open({ permissions: [], bypassCSP: true });
      await page.emulateMedia({ colorScheme });
      await live.openFile(clip.file);
      await live.clickOn(clip.truths[0]!.get(1)!);
      await page.addScriptTag({ content: readFileSync(axe, 'utf8') });
      const violations = await page.evaluate(async () => {
        const { axe: tool } = globalThis as unknown as {
          axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
        };
        const { violations: found } = await tool.run();
        return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
      });
      expect(violations).toEqual([]);
    },
  );

  test('segments a file as well as the command line does, and saves it', async () => {
    await live.openFile(clip.file);
    const mask = clip.truths[0]!.get(1)!;
    await live.press('Box');
    await live.dragBox(mask);
    await live.press('Start');
    await live.phase('ended');
    await page.getByLabel('Name of object 1').fill('disc');
    await page.getByLabel('Name of object 1').press('Enter');
    const zip = await live.download('Masks (ZIP)');
    const files = unzipSync(zip);
    expect(Object.keys(files).filter((name) => name.endsWith('.png'))).toHaveLength(frameCount);
    const { frames } = JSON.parse(Buffer.from(files['frames.json']!).toString()) as {
      frames: { objects: { label: string | null; presence: number | null }[] }[];
    };
    expect(frames.at(-1)!.objects[0]!.label).toBe('disc');
    expect(frames.at(-1)!.objects[0]!.presence).toBeGreaterThan(0);
    const { x, y, width, height } = boundsOf(mask);
    const out = join(folder, 'cli');
    const { code } = await captureCli([
      'segment',
      clip.file,
      '--box',
      `${x},${y},${width},${height}`,
      '--out',
      out,
      '--server',
      running.address,
    ]);
    expect(code).toBe(0);
    const ofPage = meanIou((name) => files[`masks/${name}`]!);
    const ofCli = meanIou((name) => readFileSync(join(out, 'masks', name)));
    expect(ofPage).toBeGreaterThanOrEqual(ofCli - 0.02);
    const coco = JSON.parse(Buffer.from(await live.download('COCO JSON')).toString()) as {
      images: unknown[];
      annotations: { track_id: number; segmentation: { size: number[]; counts: string } }[];
      categories: unknown;
    };
    expect(coco.categories).toEqual([{ id: 1, name: 'disc' }]);
    expect(coco.images).toHaveLength(frameCount);
    expect(coco.annotations[0]).toMatchObject({ track_id: 1, segmentation: { size: [108, 192] } });
  });

  test('follows two objects of a file, hides one, removes one, and corrects a held frame', async () => {
    await live.openFile(clip.file);
    await live.clickOn(clip.truths[0]!.get(1)!);
    await live.press('New object');
    await live.clickOn(clip.truths[0]!.get(2)!);
    await live.press('Start');
    await live.phase('ended');
    expect(await page.locator('tr[data-state=visible]').count()).toBeGreaterThan(0);
    await live.press('Hide Object 1');
    const hide = page.getByRole('button', { name: 'Hide Object 1' });
    await expect.poll(() => hide.getAttribute('aria-pressed')).toBe('true');
    await page.locator('canvas[data-track="1"]').click({ position: { x: 4, y: 10 } });
    await page.getByRole('button', { name: 'Back to newest' }).waitFor();
    await live.press('Refine Object 2');
    await live.clickOn(clip.truths[4]!.get(2)!);
    await page.getByRole('button', { name: 'Back to newest' }).waitFor({ state: 'detached' });
    await live.press('Remove Object 1');
    await expect.poll(() => page.locator('tr[data-object]').count()).toBe(1);
    expect(await live.problems()).toEqual([]);
  });

  test('follows what is clicked before a camera, and refines and undoes it', async () => {
    await live.press('Camera');
    await live.shown();
    await page.locator('#marks').click();
    await page.waitForSelector('tr[data-object="1"]:not([data-state=pending])', {
      timeout: 30_000,
    });
    await page.locator('#marks').click({ button: 'right', position: { x: 10, y: 10 } });
    await live.press('Undo');
    await live.press('Mask only');
    await live.press('Cut-out');
    await live.press('Stop');
    await page.waitForSelector('[data-phase=ready]');
    expect(await live.problems()).toEqual([]);
  });

  test('says what to do where the camera is refused', async () => {
    await open({ permissions: [] });
    await live.press('Camera');
    const problem = page.locator('.problem span');
    await problem.waitFor();
    expect(await problem.innerText()).toMatch(/^The camera was refused\. Allow it for this page/);
  });

  test('can be used by keyboard alone', async () => {
    await live.openFile(clip.file);
    await page.locator('#marks').focus();
    for (let press = 0; press < 3; press++) await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('tr[data-object="1"]').count()).toBe(1);
    await page.getByRole('button', { name: 'Start' }).focus();
    await page.keyboard.press('Enter');
    await live.phase('ended');
    // Five frames back, and a click there: the frame is answered again.
    await page.getByRole('slider', { name: 'Timeline of Object 1' }).focus();
    for (let press = 0; press < 5; press++) await page.keyboard.press('ArrowLeft');
    await expect.poll(() => live.frameShown()).toBe(frameCount - 6);
    const before = (await live.masks()).ids(frameCount - 6);
    await page.locator('#marks').focus();
    for (let press = 0; press < 6; press++) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await expect
      .poll(async () => (await live.masks()).ids(frameCount - 6), { timeout: 30_000 })
      .not.toEqual(before);
    expect(await live.problems()).toEqual([]);
  });

  test('finds by a word what the model knows, and says where it knows the word not', async () => {
    await live.openFile(clip.file);
    await live.press('Start');
    await live.phase('ended');
    await page.getByRole('combobox', { name: 'Find' }).fill('unicorn');
    await live.press('Find');
    const problem = page.locator('.problem span').first();
    await problem.waitFor();
    expect(await problem.innerText()).toContain('unicorn');
  });
});

/** The clip as a camera shows it: MJPEG, in a loop. */
async function cameraFile(): Promise<string> {
  const { path } = await findConfiguredFfmpeg();
  const file = join(folder, 'camera.mjpeg');
  const scale = 'scale=640:360,fps=30';
  execFileSync(path, [
    '-v',
    'error',
    '-i',
    clip.file,
    '-vf',
    scale,
    '-c:v',
    'mjpeg',
    '-q:v',
    '4',
    '-pix_fmt',
    'yuvj420p',
    '-f',
    'mjpeg',
    file,
  ]);
  return file;
}

/** Opens the page anew. */
async function open(options: LivePageOptions): Promise<void> {
  if (live !== undefined) await live[Symbol.asyncDispose]();
  live = await LivePage.open(browser, running.service.pageAddress, options);
  page = live.page;
}

/** Mean over all frames of the IoU of object 1 with the truth. */
function meanIou(read: (name: string) => Uint8Array): number {
  const scores = clip.truths.map((truth, index) => {
    const { size, ids } = readIndexedPng(read(`${String(index).padStart(5, '0')}.png`), 'mask');
    return maskIou(
      maskFromBitmap(
        Uint8Array.from(ids, (id) => (id === 1 ? 1 : 0)),
        size,
      ),
      truth.get(1)!,
    );
  });
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}
