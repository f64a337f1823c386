// Photographs the live page: every view in light, dark and at a phone's width.
//
//   node scripts/photograph-page.mjs FOLDER
//
// Needs the build and a Chromium (CHROMIUM_PATH, or Debian's). docs/page.png and docs/page-phone.png are
// its light-overlay.png and phone-overlay.png.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { encodeCamera } from '../dist/src/cli/demo/encode-camera.js';
import { createScene } from '../dist/src/cli/demo/scene.js';
import { findConfiguredFfmpeg } from '../dist/src/cli/find-configured-ffmpeg.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const [folder = 'page-pictures'] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });

/** Widths that people have. */
const looks = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  phone: { colorScheme: 'light', viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 },
  'phone-dark': { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
};

const frameCount = 72;
const size = { width: 640, height: 360 };
const scene = createScene({ size, frameCount, seed: 11 });
const work = mkdtempSync(join(tmpdir(), 'maskstream-photographs-'));
const clip = join(work, 'scene.mp4');
const ffmpeg = await findConfiguredFfmpeg();
const filming = { ffmpeg, onFrame: () => undefined, signal: new AbortController().signal };
writeFileSync(clip, await encodeCamera(scene, filming));

const open = await serve();
const guarded = await serve({ MASKSTREAM_TOKEN: 'secret' });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--use-fake-device-for-media-stream'],
});
try {
  for (const [look, options] of Object.entries(looks)) await photograph(look, options);
} finally {
  await browser.close();
  for (const { child } of [open, guarded]) child.kill();
  rmSync(work, { recursive: true });
}

async function photograph(look, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const press = (name) => page.getByRole('button', { name, exact: true }).click();
  const take = (view, more = {}) =>
    page.screenshot({ path: join(folder, `${look}-${view}.png`), ...more });
  await page.goto(guarded.address);
  await page.getByLabel('Token').waitFor();
  await take('token');
  await page.goto(open.address);
  await page.waitForSelector('[data-phase=ready]');
  await take('ready');
  await page.setInputFiles('input[type=file]', clip);
  await page.waitForSelector('[data-phase=waiting]');
  await take('waiting');
  await press('Box');
  await dragBox(page, 1);
  await press('New object');
  await dragBox(page, 2);
  for (const [id, name] of ['ball', 'cube'].entries()) {
    await page.getByLabel(`Name of object ${id + 1}`).fill(name);
    await page.getByLabel(`Name of object ${id + 1}`).press('Enter');
  }
  await press('Start');
  await page.waitForSelector('[data-phase=ended]');
  await page.evaluate('scrollTo(0, 0)');
  await take('overlay');
  await take('whole', { fullPage: true });
  for (const view of ['Mask only', 'Cut-out']) {
    await press(view);
    await page.getByRole('button', { name: view, pressed: true }).waitFor();
    await take(view.toLowerCase().replace(' ', '-'));
  }
  await press('Overlay');
  await press('Hide ball');
  const track = page.locator('canvas[data-track="2"]');
  await track.scrollIntoViewIfNeeded();
  const { width } = await track.boundingBox();
  await track.click({ position: { x: ((frameCount - 20) / 600) * width, y: 10 } });
  await page.getByRole('button', { name: 'Back to newest' }).waitFor();
  await page.getByRole('combobox', { name: 'Find' }).fill('unicorn');
  await press('Find');
  await page.locator('.problem').waitFor();
  await page.locator('#marks').focus();
  for (let step = 0; step < 6; step++) await page.keyboard.press('ArrowLeft');
  await page.evaluate('scrollTo(0, 0)');
  await take('held-and-problem', { fullPage: true });
  await press('Stop');
  await press('Camera');
  await page.locator('.problem', { hasText: 'camera' }).waitFor();
  await take('camera-refused');
  await context.close();
}

/** Draws a box around an object of the first picture. */
async function dragBox(page, objectId) {
  const { x, y, width, height } = scene.render(0).masks.get(objectId).box;
  const frame = await page.locator('#marks').boundingBox();
  const ratio = frame.width / size.width;
  await page.mouse.move(frame.x + x * ratio, frame.y + y * ratio);
  await page.mouse.down();
  await page.mouse.move(frame.x + (x + width) * ratio, frame.y + (y + height) * ratio);
  await page.mouse.up();
}

async function serve(settings = {}) {
  const words = ['serve', '--listen', '127.0.0.1:0', '--web-port', '0', '--log-level', 'error'];
  const child = spawn(process.execPath, [join(root, 'bin/maskstream'), ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...settings },
  });
  process.on('exit', () => child.kill('SIGKILL'));
  for await (const line of createInterface({ input: child.stdout })) {
    const [, address] = /^page on (.*)$/.exec(line) ?? [];
    if (address !== undefined) return { child, address };
  }
  throw new Error('expected `page on ADDRESS`, the server ended without it');
}
