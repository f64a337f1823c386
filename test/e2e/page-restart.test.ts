import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Browser, Page } from 'playwright-core';
import { afterEach, describe, expect, test } from 'vitest';
import { chromiumPath, startBrowser } from '../../bench/support/browser.ts';

if (chromiumPath === null) console.warn('page: skipped, no Chromium (Debian: chromium)');

const program = resolve('bin/maskstream');
let server: ChildProcess | null = null;
let browser: Browser | null = null;

afterEach(async () => {
  await browser?.close();
  await stop('SIGKILL');
});

describe.skipIf(chromiumPath === null)('a server that is lost under the live page', () => {
  test.each(['SIGTERM', 'SIGKILL'] as const)(
    '%s: the page says so, goes on by itself, and keeps its object',
    async (signal) => {
      const address = await serve('0');
      browser = await startBrowser();
      const page = await browser.newPage();
      await page.goto(address);
      await page.waitForSelector('[data-phase=ready]');
      await page.getByRole('button', { name: 'Sample', exact: true }).click();
      await expect.poll(() => frameShown(page), { timeout: 30_000 }).toBeGreaterThan(0);
      await page.locator('#marks').click();
      await page.waitForSelector('tr[data-object="1"][data-state=visible]', { timeout: 30_000 });

      const before = await frameShown(page);
      await stop(signal);
      await page.waitForSelector('[data-phase=reconnecting]');
      await serve(new URL(address).port);
      const phase = page.locator('.phase');
      await expect
        .poll(() => phase.innerText(), { timeout: 60_000 })
        .toMatch(/^The server was lost for [\d.]+ s .*masks go on\./);
      await expect.poll(() => frameShown(page), { timeout: 30_000 }).toBeGreaterThan(before + 30);
      const ids = await page
        .locator('tr[data-object]')
        .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-object')));
      expect(ids).toEqual(['1']);
      expect(await page.locator('.problem').allInnerTexts()).toEqual([]);
    },
  );

  test('gone before a source is chosen, the page says so, and begins when it is back', async () => {
    const address = await serve('0');
    browser = await startBrowser();
    const page = await browser.newPage();
    await page.goto(address);
    await page.waitForSelector('[data-phase=ready]');
    await stop('SIGKILL');
    const sample = page.getByRole('button', { name: 'Sample', exact: true });
    await sample.click();
    await page.waitForSelector('[data-phase=ended]');
    expect(await page.locator('.phase').innerText()).toContain('The server is away; choose again');
    await serve(new URL(address).port);
    await sample.click();
    await expect.poll(() => frameShown(page), { timeout: 30_000 }).toBeGreaterThan(0);
    expect(await page.locator('.problem').allInnerTexts()).toEqual([]);
  });
});

/** Starts a server with the page on a port; resolves with the page's address once it is printed. */
async function serve(webPort: string): Promise<string> {
  const words = ['serve', '--listen', '127.0.0.1:0', '--web-port', webPort, '--log-level', 'error'];
  const env = { ...process.env, MASKSTREAM_DRAIN_SECONDS: '1' };
  const stdio = ['ignore', 'pipe', 'inherit'] as ['ignore', 'pipe', 'inherit'];
  server = spawn(process.execPath, [program, ...words], { stdio, env });
  for await (const line of createInterface({ input: server.stdout! })) {
    const [, address] = /^page on (.*)$/.exec(line) ?? [];
    if (address !== undefined) return address;
  }
  throw new Error('expected `page on ADDRESS`, the server ended without it');
}

async function stop(signal: NodeJS.Signals): Promise<void> {
  const child = server;
  server = null;
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

/** Number of the frame on the canvas; 0 before the first. */
async function frameShown(page: Page): Promise<number> {
  const text = await page.locator('#figures dd').first().innerText();
  return Number.parseInt(text, 10) || 0;
}
