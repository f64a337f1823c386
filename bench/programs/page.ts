import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import type { FrameTimes } from '../../clients/web/summaries.ts';
import { findConfiguredFfmpeg } from '../../src/cli/find-configured-ffmpeg.ts';
import type { Box, Size } from '../../src/frame/geometry.ts';
import { readBenchOptions } from '../support/bench-options.ts';
import { browserCpuMs } from '../support/browser-cpu.ts';
import { startBrowser } from '../support/browser.ts';
import { cameraClipFrom, pictureSize } from '../support/camera-clip.ts';
import { filmFourObjects } from '../support/four-objects.ts';
import { cell, machineName, markdownTable } from '../support/markdown-table.ts';
import { type PageServer, startPageServer } from '../support/page-server.ts';
import { watchPage, type WatchedFrame } from '../support/page-watch.ts';
import { percentile } from '../support/percentile.ts';

/*
 * The live page in a real Chromium on this machine: first from its (fake) camera, one object, from
 * the capture of a frame to its masks on the canvas and where that time goes; then a file of four
 * objects, for what unpacking and drawing a frame costs.
 *
 *   npm run bench page -- [options]
 *
 *   --runs N          camera runs, each with a browser of its own. Default: 3
 *   --seconds S       length of each. Default: 20
 *   --warm-up S       start that is left out. Default: 3
 *   --size WxH        the camera's. Default: 640x360
 *   --draw-size WxH   of the file of four objects; none leaves it out. Default: 1280x720
 *   --bit-rate K      of the clip that the camera shows. Default: 0, constant quality
 *   --source FOLDER   clip.mp4 and masks/00000.png for the camera. Default: the demo's scene
 *
 * CHROMIUM_PATH says where Chromium is, if it is not /usr/bin/chromium.
 */

const options = readBenchOptions({
  runs: '3',
  seconds: '20',
  'warm-up': '3',
  size: '640x360',
  objects: '2',
  'draw-size': '1280x720',
  'bit-rate': '0',
  source: '',
});
const { signal } = new AbortController();
const ffmpeg = await findConfiguredFfmpeg();
const folder = await mkdtemp(join(tmpdir(), 'maskstream-page-bench-'));
/** Frames of the file that is drawn. */
const drawnFrames = 150;

try {
  await using server = await startPageServer();
  console.log(`${machineName()}\n`);
  await measureCamera(server);
  if (options.text('draw-size') !== 'none') await measureDrawing(server);
} finally {
  await rm(folder, { recursive: true });
}

async function measureCamera(server: PageServer): Promise<void> {
  await using clip = await cameraClipFrom(options, { ffmpeg, signal });
  const camera = join(folder, 'camera.mjpeg');
  const words = `-v error -y -i ${clip.file} -c:v mjpeg -q:v 4 -pix_fmt yuvj420p -f mjpeg ${camera}`;
  await promisify(execFile)(ffmpeg.path, words.split(' '), { signal });
  // The last one moves little: what is clicked is it, whenever the page has its first picture.
  const box = clip.boxes.at(-1);
  if (box === undefined) throw new Error('expected an object to click on, got none');
  const rows: string[][] = [];
  for (let run = 1; run <= options.number('runs'); run++) {
    const browser = await startBrowser(camera);
    rows.push([String(run), ...(await cameraRun(server, { browser, box, size: clip.size }))]);
    await browser.close();
  }
  const columns = `run, frames/s, dropped by page, by server, p50 ms, p95 ms, max ms, encode, way, server, draw, browser cores, server cores, area, confidence`;
  console.log(markdownTable(columns.split(', '), rows));
}

async function cameraRun(
  server: PageServer,
  { browser, box, size }: { readonly browser: Browser; readonly box: Box; readonly size: Size },
): Promise<string[]> {
  const context = await browser.newContext({ permissions: ['camera'] });
  const page = await context.newPage();
  const watch = await openPage(page, server);
  await page.getByRole('button', { name: 'Camera', exact: true }).click();
  await firstFrame(page);
  await clickPicture(page, size, { x: box.x + box.width / 2, y: box.y + box.height / 2 });
  await page.waitForSelector('tr[data-state=visible]');
  await wait(options.number('warm-up') * 1000);
  const [before, cpuBefore] = [await watch.statistics(), cpuMs(server)];
  const startedAtMs = performance.now();
  await watch.takeFrames();
  await wait(options.number('seconds') * 1000);
  const frames = await watch.takeFrames();
  const [after, cpuAfter] = [await watch.statistics(), cpuMs(server)];
  const seconds = (performance.now() - startedAtMs) / 1000;
  const times = frames.flatMap((answer) => (answer.times === null ? [] : [answer.times]));
  const total = times.map(({ totalMs }) => totalMs);
  const object = frames.at(-1)?.frame.objects[0];
  return [
    cell(frames.length / seconds),
    String((after?.droppedHere ?? 0) - (before?.droppedHere ?? 0)),
    String((after?.droppedThere ?? 0) - (before?.droppedThere ?? 0)),
    cell(percentile(total, 0.5)),
    cell(percentile(total, 0.95)),
    cell(percentile(total, 1)),
    ...(['encodeMs', 'wayMs', 'serverMs', 'drawMs'] as const).map((name) => part(times, name)),
    cell((cpuAfter.browser - cpuBefore.browser) / 1000 / seconds, 2),
    cell((cpuAfter.server - cpuBefore.server) / 1000 / seconds, 2),
    String(object?.area ?? '-'),
    cell(object?.confidence ?? null, 2),
  ];
}

/** Median and, in brackets, 95th percentile. */
function part(times: readonly FrameTimes[], name: keyof FrameTimes): string {
  const values = times.map((each) => each[name]);
  return `${cell(percentile(values, 0.5))} (${cell(percentile(values, 0.95))})`;
}

function cpuMs(server: PageServer) {
  return { browser: browserCpuMs(), server: server.cpuMs() ?? Number.NaN };
}

async function measureDrawing(server: PageServer): Promise<void> {
  const size = pictureSize(options.text('draw-size'));
  const parts = { ffmpeg, size, frameCount: drawnFrames, signal };
  const { file, boxes } = await filmFourObjects(folder, parts);
  const browser = await startBrowser();
  const page = await browser.newPage();
  const watch = await openPage(page, server);
  await page.setInputFiles('input[type=file]', file);
  await page.waitForSelector('[data-phase=waiting]');
  await page.getByRole('button', { name: 'Box', exact: true }).click();
  for (const box of boxes) {
    await page
      .getByRole('button', { name: 'New object' })
      .click({ timeout: 5000 })
      .catch(() => null);
    await dragBox(page, size, box);
  }
  const rows: string[][] = [];
  await page.getByRole('button', { name: 'Start' }).click();
  await page.waitForSelector('[data-phase=ended]', { timeout: 300_000 });
  const statistics = await watch.statistics();
  const frames = await watch.takeFrames();
  rows.push([
    options.text('draw-size'),
    String(frames.length),
    cell(meanObjects(frames)),
    cell(statistics?.drawP50Ms ?? null, 2),
    cell(statistics?.drawP95Ms ?? null, 2),
  ]);
  await browser.close();
  console.log();
  console.log(markdownTable(['drawing', 'frames', 'masks a frame', 'p50 ms', 'p95 ms'], rows));
}

function meanObjects(frames: readonly WatchedFrame[]): number {
  const masks = frames.map(({ frame }) => frame.objects.filter(({ area }) => area > 0).length);
  return masks.reduce((sum, count) => sum + count, 0) / masks.length;
}

async function openPage(page: Page, { pageAddress }: PageServer) {
  await page.setViewportSize({ width: 1280, height: 860 });
  const watch = await watchPage(page);
  await page.goto(pageAddress);
  await page.waitForSelector('[data-phase=ready]');
  return watch;
}

async function firstFrame(page: Page): Promise<void> {
  await page.locator('#figures dd:first-of-type', { hasText: /^\d+$/ }).waitFor();
}

type Place = { readonly x: number; readonly y: number };

async function onScreen(page: Page, size: Size, { x, y }: Place): Promise<[number, number]> {
  const marks = await page.locator('#marks').boundingBox();
  if (marks === null) throw new Error('expected the picture to be visible, got nothing');
  return [marks.x + (x / size.width) * marks.width, marks.y + (y / size.height) * marks.height];
}

async function clickPicture(page: Page, size: Size, place: Place): Promise<void> {
  await page.mouse.click(...(await onScreen(page, size, place)));
}

async function dragBox(page: Page, size: Size, { x, y, width, height }: Box): Promise<void> {
  await page.mouse.move(...(await onScreen(page, size, { x, y })));
  await page.mouse.down();
  await page.mouse.move(
    ...(await onScreen(page, size, { x: x + width - 0.01, y: y + height - 0.01 })),
  );
  await page.mouse.up();
}
