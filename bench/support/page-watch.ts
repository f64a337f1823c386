import type { Page } from 'playwright-core';
import type { FrameSummary, FrameTimes, Statistics } from '../../clients/web/summaries.ts';

/** What the page's worker told of one frame. */
export type WatchedFrame = { readonly frame: FrameSummary; readonly times: FrameTimes | null };

/** The page's own account of what it showed. */
export type PageWatch = {
  /** Frames since the last call. */
  takeFrames(): Promise<readonly WatchedFrame[]>;
  /** The newest figures that the page shows; null before the first. */
  statistics(): Promise<Statistics | null>;
};

/** Keeps what the worker tells the page, before the page's own scripts run. */
const keepMessages = `
  globalThis.watched = { frames: [], statistics: null };
  globalThis.Worker = class extends Worker {
    constructor(...words) {
      super(...words);
      this.addEventListener('message', ({ data }) => {
        if (data.kind === 'frame') watched.frames.push({ frame: data.frame, times: data.times });
        if (data.kind === 'statistics') watched.statistics = data.statistics;
      });
    }
  };
`;

/** Watches what the page shows. Call it before the page is opened. */
export async function watchPage(page: Page): Promise<PageWatch> {
  await page.addInitScript({ content: keepMessages });
  return {
    takeFrames: () => page.evaluate<WatchedFrame[]>('watched.frames.splice(0)'),
    statistics: () => page.evaluate<Statistics | null>('watched.statistics'),
  };
}
