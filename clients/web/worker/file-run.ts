import { detectContainer } from '../../../src/video/detect-container.ts';
import type { ContainerName } from '../../core/requests.ts';
import type { OpenVideoCall } from '../../core/video-call.ts';
import type { FrameMasks } from '../../../src/gen/maskstream/v1/video_response.ts';
import type { FromWorker, PagePrompt } from '../messages.ts';
import type { Statistics } from '../summaries.ts';
import type { Display } from './display.ts';
import { type FilePictures, openFilePictures } from './file-pictures.ts';
import { RecentValues } from './percentiles.ts';
import type { Run } from './run.ts';
import { PageVideoStream, suspendedMessage } from './video-stream.ts';

/** What a run of a video file is made of. */
export type FileRunParts = {
  readonly file: File;
  readonly open: OpenVideoCall;
  readonly display: Display;
  readonly post: (message: FromWorker) => void;
};

/** Bytes that the container is told from. */
const detectionBytes = 64 * 1024;

/** Bytes read and sent at a time. */
const sliceBytes = 64 * 1024;

/** Frames that are answered before they are shown: enough to show without a break, and soon corrected. */
const maxUnseenFrames = 16;

/** The server is told of so many at a time. */
const toldFrames = 4;

/** Shown no faster than this, so that a click can still be meant for what is seen. */
const leastFrameMs = 1000 / 60;

/** For raw video that does not say how many frames a second it has. */
const assumedFrameRate = 30;

const assumedMessage =
  'This file does not say how many frames a second it has: its times are those of 30.';
const doneMessage = 'Every frame has its masks. The last ones can still be corrected.';
const waitingMessage = 'Say what to follow on the first picture, then press Start.';
const unseenMessage = 'Say what to follow, by a word or by its place, then press Start.';

/**
 * Shows a file's first picture, or where this browser cannot asks the server how large it is, and waits; then sends the file as it is, every frame of it, behind
 * the prompts made so far, and shows the pictures at the pace of the answers. The server stays a few
 * frames ahead of what is shown, so that everything on the screen is held there and can be corrected.
 */
export async function startFileRun(parts: FileRunParts): Promise<Run> {
  const { file } = parts;
  const container = detectContainer(
    new Uint8Array(await file.slice(0, detectionBytes).arrayBuffer()),
  );
  if (container === null || container === 'image' || container === 'more') {
    throw new Error(`expected a video, got ${file.name}, whose form is not known`);
  }
  const run = new FileRun(parts, container);
  await run.showFirst();
  return run;
}

class FileRun implements Run {
  readonly #parts: FileRunParts;
  readonly #container: ContainerName;
  readonly #answered = new Map<number, FrameMasks>();
  readonly #shownAtMs = new RecentValues(60);
  readonly #early: { readonly requestId: number; readonly prompt: PagePrompt }[] = [];
  #pictures: FilePictures | null = null;
  #first: ImageBitmap | null = null;
  #stream: PageVideoStream | null = null;
  #firstUs: number | null = null;
  #waiters: (() => void)[] = [];
  #paused = true;
  #begun = false;
  #isShowing = false;
  #stopped = false;
  #allAnswered = false;
  #saidDone = false;
  /** The newest frame that the server knows to be seen. */
  #told = -1;
  #over = false;
  /** How often the file was begun anew. */
  #pass = 0;

  constructor(parts: FileRunParts, container: ContainerName) {
    this.#parts = parts;
    this.#container = container;
  }

  async showFirst(): Promise<void> {
    const { file, display, post } = this.#parts;
    this.#pictures = await openFilePictures(file, (message) => post({ kind: 'problem', message }));
    this.#first = (await this.#pictures?.at(0)) ?? null;
    if (this.#first === null) {
      this.#start();
      while (display.size === null && !this.#over) await this.#change();
      if (this.#over) return;
      display.showGround();
    } else {
      display.resize(this.#first);
      display.showPicture(this.#first);
    }
    const message = this.#first === null ? unseenMessage : waitingMessage;
    post({ kind: 'phase', phase: 'waiting', message });
  }

  prompt(requestId: number, prompt: PagePrompt): void {
    // What is seen before the start is the first picture.
    const isEarly = this.#parts.display.frames.last < 0;
    const meant = isEarly ? { ...prompt, frameIndex: 0 } : prompt;
    if (this.#stream !== null) this.#stream.prompt(requestId, meant);
    else this.#early.push({ requestId, prompt: meant });
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    const { file, post } = this.#parts;
    if (!paused && !this.#begun) {
      this.#begun = true;
      post({ kind: 'phase', phase: 'running', message: file.name });
      if (this.#stream === null) this.#start();
    }
    if (!paused) this.#stream?.goOn();
    this.#changed();
  }

  stop(): void {
    this.#stopped = true;
    this.#stream?.cancel();
    this.#pictures?.close();
    this.#changed();
  }

  #start(frameRate: number | null = this.#container === 'mjpeg' ? assumedFrameRate : null): void {
    const { display, open, post } = this.#parts;
    const size = display.size ?? { width: 0, height: 0 };
    const fail = (error: unknown) =>
      post({ kind: 'problem', message: error instanceof Error ? error.message : String(error) });
    const stream = new PageVideoStream(
      {
        open,
        config: {
          container: this.#container,
          delivery: 'every-frame',
          ...(frameRate === null ? {} : { frameRate }),
        },
        maxUnseenFrames,
        post,
        onInfo: (info) => {
          display.frames.most = info.retainedFrames;
          display.resize(info);
          this.#changed();
        },
        onMasks: (masks) => this.#take(masks),
        onTaken: () => this.#changed(),
        onAnswered: () => {
          this.#allAnswered = true;
          this.#changed();
        },
        onSuspended: () => this.#onSuspended(stream),
        onEnd: ({ code, message, errorCode }) => {
          if (errorCode === 'invalid-config' && frameRate === null) {
            post({ kind: 'problem', message: assumedMessage });
            this.#pass++;
            this.#start(assumedFrameRate);
            return;
          }
          this.#over = true;
          this.#changed();
          if (code !== 0) post({ kind: 'phase', phase: 'ended', message });
        },
      },
      size,
    );
    this.#stream = stream;
    stream.rewindBy(() => {
      this.#pass++;
      this.#changed();
      this.#send(stream).catch(fail);
    });
    for (const { requestId, prompt } of this.#early.splice(0)) stream.prompt(requestId, prompt);
    this.#send(stream).catch(fail);
    if (!this.#isShowing) this.#show().catch(fail);
    this.#isShowing = true;
  }

  /** A file that was answered to its end lets a correction take it up again. */
  #onSuspended(stream: PageVideoStream): void {
    if (this.#allAnswered) return;
    if (!this.#paused) stream.goOn();
    else if (this.#begun) {
      this.#parts.post({ kind: 'phase', phase: 'running', message: suspendedMessage });
    }
  }

  #take(masks: FrameMasks): void {
    const { display } = this.#parts;
    const isShown = masks.frameIndex <= display.frames.last;
    if (isShown) display.add(masks, null);
    else this.#answered.set(masks.frameIndex, masks);
    this.#changed();
  }

  async #send(stream: PageVideoStream): Promise<void> {
    const { file } = this.#parts;
    // Another server begins with the file anew.
    const pass = this.#pass;
    const goesOn = () => !this.#stopped && !this.#over && this.#pass === pass;
    for (let from = 0; from < file.size && goesOn(); from += sliceBytes) {
      const bytes = new Uint8Array(await file.slice(from, from + sliceBytes).arrayBuffer());
      while (goesOn() && stream.isFull) await this.#change();
      if (goesOn()) stream.sendChunk(bytes);
    }
    // Held frames can still be corrected until the user is done.
    if (goesOn()) stream.endOfVideo();
  }

  async #show(): Promise<void> {
    const { display, post } = this.#parts;
    while (!this.#stopped) {
      const [next] = this.#answered.values();
      if (this.#paused || next === undefined) {
        if (next === undefined && this.#allAnswered && !this.#saidDone) {
          this.#saidDone = true;
          post({ kind: 'phase', phase: 'ended', message: doneMessage });
        }
        if (next === undefined && this.#over) return;
        await this.#change();
        continue;
      }
      const picture = await this.#pictureOf(next);
      // A correction may have come meanwhile.
      const newest = this.#answered.get(next.frameIndex) ?? next;
      this.#answered.delete(next.frameIndex);
      display.add(newest, picture);
      this.#tellSeen(next.frameIndex);
      this.#shownAtMs.add(performance.now());
      post({ kind: 'statistics', statistics: statisticsOf(display, this.#shownAtMs) });
      this.#changed();
      await later(leastFrameMs);
    }
  }

  #tellSeen(frameIndex: number): void {
    if (frameIndex - this.#told >= toldFrames) {
      this.#told = frameIndex;
      this.#stream?.seen(frameIndex);
    }
    const most = this.#told + maxUnseenFrames - frameIndex;
    this.#parts.display.ahead = this.#allAnswered ? this.#answered.size : most;
  }

  async #pictureOf({ timestampUs }: FrameMasks): Promise<ImageBitmap | null> {
    this.#firstUs ??= timestampUs;
    const first = this.#first;
    this.#first = null;
    if (first !== null) return first;
    return (await this.#pictures?.at(timestampUs - this.#firstUs)) ?? null;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #changed(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}

function statisticsOf(display: Display, shownAtMs: RecentValues): Statistics {
  const spanMs = performance.now() - (shownAtMs.percentile(0) ?? 0);
  return {
    p50Ms: null,
    p95Ms: null,
    parts: null,
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
