import type { ContainerName } from '../../core/requests.ts';
import type { OpenVideoCall } from '../../core/video-call.ts';
import type { FrameMasks } from '../../../src/gen/maskstream/v1/video_response.ts';
import type { FromWorker, PagePrompt, Statistics } from '../messages.ts';
import type { Display } from './display.ts';
import { type FilePictures, openFilePictures } from './file-pictures.ts';
import { RecentValues } from './percentiles.ts';
import type { Run } from './run.ts';
import { PageVideoStream } from './video-stream.ts';

/** What a run of a video file is made of. */
export type FileRunParts = {
  readonly file: File;
  readonly container: ContainerName;
  readonly prompts: readonly PagePrompt[];
  readonly open: OpenVideoCall;
  readonly display: Display;
  readonly post: (message: FromWorker) => void;
};

/** Bytes read and sent at a time. */
const sliceBytes = 64 * 1024;

/** Bytes that may wait in the socket. */
const maxBufferedBytes = 1024 * 1024;

/** Answered frames that may wait to be shown before no more video is sent. */
const maxWaitingFrames = 30;

/** So long after the last answer the file counts as done. */
const quietMs = 1500;
const doneMessage = 'Every frame has its masks. The last ones can still be corrected.';

/** Shown no faster than this, so that a click can still be meant for what is seen. */
const leastFrameMs = 1000 / 60;

/**
 * Sends a video file as it is, every frame of it, and shows the pictures at the pace of the answers.
 * A pause stops the showing, and with it the sending: what is held can be corrected meanwhile.
 */
export async function startFileRun(parts: FileRunParts): Promise<Run> {
  const { file, display, post } = parts;
  const pictures = await openFilePictures(file);
  if ('problem' in pictures) {
    post({ kind: 'problem', message: `${pictures.problem}: its masks are shown on plain ground` });
  }
  const answered: FrameMasks[] = [];
  const waiters: (() => void)[] = [];
  let paused = false;
  let stopped = false;
  let sent = false;
  let over = false;
  const changed = () => {
    for (const wake of waiters.splice(0)) wake();
  };
  const change = () => new Promise<void>((resolve) => waiters.push(resolve));
  const stream = new PageVideoStream(
    {
      open: parts.open,
      config: { container: parts.container, delivery: 'every-frame' },
      post,
      onInfo: (info) => {
        display.frames.most = info.retainedFrames;
        display.resize(info);
      },
      onMasks: (masks) => {
        if (masks.revision > 0 && masks.frameIndex <= display.frames.last) display.add(masks, null);
        else answered.push(masks);
        changed();
      },
      onEnd: ({ code, message }) => {
        over = true;
        changed();
        if (code !== 0) post({ kind: 'phase', phase: 'ended', message });
      },
    },
    { width: 0, height: 0 },
  );
  parts.prompts.forEach((prompt, index) => stream.prompt(index + 1, prompt));

  const send = async () => {
    for (let from = 0; from < file.size && !stopped && !over; from += sliceBytes) {
      const bytes = new Uint8Array(await file.slice(from, from + sliceBytes).arrayBuffer());
      while (!stopped && !over && (paused || answered.length > maxWaitingFrames)) await change();
      while (!stopped && !over && stream.bufferedBytes > maxBufferedBytes) await later(5);
      stream.sendChunk(bytes);
    }
    // Held frames can still be corrected until the user is done.
    if (!stopped && !over) stream.endOfVideo();
    sent = true;
  };
  const show = async () => {
    let firstUs: number | null = null;
    const shownAtMs = new RecentValues(60);
    for (;;) {
      while (!stopped && (paused || answered.length === 0) && !(over && answered.length === 0)) {
        await change();
      }
      const masks = answered.shift();
      if (stopped || masks === undefined) break;
      firstUs ??= masks.timestampUs;
      const picture = await pictureOf(pictures, masks.timestampUs - firstUs);
      display.add(masks, picture);
      shownAtMs.add(performance.now());
      post({ kind: 'statistics', statistics: statisticsOf(display, shownAtMs) });
      changed();
      await later(leastFrameMs);
      if (sent && answered.length === 0) void tellDone();
    }
    if ('close' in pictures) pictures.close();
  };
  // The server says nothing after the last frame while held ones can still be corrected.
  const tellDone = async () => {
    const { last } = display.frames;
    await later(quietMs);
    if (stopped || over || paused || answered.length > 0 || display.frames.last !== last) return;
    post({ kind: 'phase', phase: 'ended', message: doneMessage });
  };
  const fail = (error: unknown) =>
    post({ kind: 'problem', message: error instanceof Error ? error.message : String(error) });
  send().catch(fail);
  show().catch(fail);
  post({ kind: 'phase', phase: 'running', message: file.name });
  return {
    prompt: (requestId, prompt) => stream.prompt(requestId, prompt),
    pause: (value) => {
      paused = value;
      changed();
    },
    stop: () => {
      stopped = true;
      changed();
      stream.cancel();
    },
  };
}

function pictureOf(
  pictures: FilePictures | { readonly problem: string },
  relativeUs: number,
): Promise<ImageBitmap | null> {
  return 'at' in pictures ? pictures.at(relativeUs) : Promise.resolve(null);
}

function statisticsOf(display: Display, shownAtMs: RecentValues): Statistics {
  const spanMs = performance.now() - (shownAtMs.percentile(0) ?? 0);
  return {
    p50Ms: null,
    p95Ms: null,
    framesPerSecond: shownAtMs.count < 2 ? 0 : ((shownAtMs.count - 1) * 1000) / spanMs,
    drawP50Ms: display.drawMs.percentile(0.5) ?? 0,
    drawP95Ms: display.drawMs.percentile(0.95) ?? 0,
    droppedHere: 0,
    droppedThere: 0,
  };
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
