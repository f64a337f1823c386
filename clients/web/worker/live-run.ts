import type { OpenVideoCall } from '../../core/video-call.ts';
import type { Size } from '../../../src/frame/geometry.ts';
import type { FrameMasks } from '../../../src/gen/maskstream/v1/video_response.ts';
import type { FromWorker, PagePrompt } from '../messages.ts';
import type { Display } from './display.ts';
import { type CodedFrame, type LiveEncoder, openLiveEncoder } from './live-encoder.ts';
import { LiveTimes } from './live-times.ts';
import type { Run } from './run.ts';
import { PageVideoStream, suspendedMessage } from './video-stream.ts';

/** What a live run is made of. */
export type LiveRunParts = {
  readonly frames: ReadableStream<VideoFrame>;
  readonly size: Size;
  readonly open: OpenVideoCall;
  readonly display: Display;
  readonly post: (message: FromWorker) => void;
};

/** Bytes that may wait in the socket before frames are dropped: half a second of 4 Mbit/s. */
const maxBufferedBytes = 256 * 1024;

/**
 * Pictures that wait for their masks: a second of them. Where decoder or way are too slow for the camera,
 * they fill up and are the age of what is shown; more of them would be no more frames.
 */
const maxWaitingPictures = 30;

/**
 * Sends a live picture and shows each frame when its masks come. Frames that would have to wait here
 * are dropped before encoding, and counted: a live picture must stay young. Rejects, with no frame left
 * open, where this browser encodes nothing.
 */
export async function startLiveRun(parts: LiveRunParts): Promise<Run> {
  const run = new LiveRun(parts);
  await run.start();
  return run;
}

class LiveRun implements Run {
  readonly #parts: LiveRunParts;
  readonly #times = new LiveTimes();
  /** By capture time. */
  readonly #waiting = new Map<number, ImageBitmap>();
  #encoder: LiveEncoder | null = null;
  #stream: PageVideoStream | null = null;
  #statistics: ReturnType<typeof setInterval> | undefined;
  #droppedHere = 0;
  #droppedThere = 0;
  #paused = false;
  #stopped = false;

  constructor(parts: LiveRunParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const { frames, size, display, post } = this.#parts;
    const onFrame = (frame: CodedFrame) => this.#send(frame);
    try {
      this.#encoder = await openLiveEncoder(size, onFrame, (message) => this.#fail(message));
    } catch (error) {
      await frames.cancel();
      throw error;
    }
    this.#stream = this.#open(this.#encoder);
    display.resize(size);
    this.#statistics = setInterval(() => this.#tellStatistics(), 500);
    this.#pump(this.#encoder, this.#stream).catch((error: unknown) =>
      this.#fail(`the camera stopped: ${String(error)}`),
    );
    post({ kind: 'phase', phase: 'running', message: 'Live' });
  }

  prompt(requestId: number, prompt: PagePrompt): void {
    this.#stream?.prompt(requestId, prompt);
  }

  pause(paused: boolean): void {
    this.#paused = paused;
  }

  stop(): void {
    this.#end();
    this.#stream?.cancel();
  }

  #open({ container, header }: LiveEncoder): PageVideoStream {
    const { open, size, display, post } = this.#parts;
    const stream = new PageVideoStream(
      {
        open,
        config: { container, delivery: 'latest', frameRate: 30, ...size },
        post,
        onInfo: (info) => {
          display.frames.most = info.retainedFrames;
          display.resize(info);
        },
        onMasks: (masks) => this.#show(masks),
        onSuspended: () => post({ kind: 'phase', phase: 'running', message: suspendedMessage }),
        onEnd: ({ code, message }) => {
          this.#end();
          const ended = code === 0 ? 'The stream has ended.' : message;
          post({ kind: 'phase', phase: 'ended', message: ended });
        },
      },
      size,
    );
    if (header.length > 0) stream.sendChunk(header);
    return stream;
  }

  #send({ data, randomAccess, captureTimestampUs }: CodedFrame): void {
    this.#stream?.goOn();
    this.#stream?.sendChunk(data, { randomAccess, captureTimestampUs, endsAccessUnit: true });
    this.#times.sent(captureTimestampUs, performance.now());
  }

  /** Reads until the camera ends or the run does, and closes whatever it reads. */
  async #pump(encoder: LiveEncoder, stream: PageVideoStream): Promise<void> {
    const reader = this.#parts.frames.getReader();
    while (!this.#stopped) {
      const { value: frame, done } = await reader.read();
      if (done || frame === undefined) break;
      try {
        await this.#take(frame, encoder, stream);
      } finally {
        frame.close();
      }
    }
    // Here, where no read is pending: a frame that is on its way to one would be left open.
    await reader.cancel();
    if (this.#stopped) return;
    await encoder.flush();
    stream.end();
  }

  async #take(frame: VideoFrame, encoder: LiveEncoder, stream: PageVideoStream): Promise<void> {
    this.#times.captured(frame.timestamp, performance.now());
    if (this.#paused || this.#stopped) return;
    const isCrowded =
      stream.bufferedBytes > maxBufferedBytes || this.#waiting.size >= maxWaitingPictures;
    if (isCrowded || !encoder.encode(frame)) {
      this.#droppedHere++;
      return;
    }
    const picture = await createImageBitmap(frame);
    // A run that was stopped meanwhile shows nothing any more.
    if (this.#stopped) picture.close();
    else this.#waiting.set(Math.round(frame.timestamp), picture);
  }

  #show(masks: FrameMasks): void {
    const { display } = this.#parts;
    const cameAtMs = performance.now();
    const captureUs = masks.captureTimestampUs;
    display.add(masks, captureUs === undefined ? null : this.#pictureOf(captureUs), () => {
      if (masks.revision > 0 || captureUs === undefined) return null;
      const serverMs = (masks.timings?.totalUs ?? 0) / 1000;
      return this.#times.answered(captureUs, { cameAtMs, drawnAtMs: performance.now(), serverMs });
    });
    if (masks.revision === 0) this.#droppedThere += masks.framesDroppedBefore;
  }

  /** The picture of a frame; those before it were skipped. */
  #pictureOf(captureUs: number): ImageBitmap | null {
    const picture = this.#waiting.get(captureUs);
    if (picture === undefined) return null;
    this.#waiting.delete(captureUs);
    for (const [earlierUs, skipped] of this.#waiting) {
      if (earlierUs >= captureUs) break;
      skipped.close();
      this.#waiting.delete(earlierUs);
    }
    return picture;
  }

  #tellStatistics(): void {
    const { display, post } = this.#parts;
    post({
      kind: 'statistics',
      statistics: {
        ...this.#times.statistics(performance.now()),
        drawP50Ms: display.drawMs.percentile(0.5) ?? 0,
        drawP95Ms: display.drawMs.percentile(0.95) ?? 0,
        droppedHere: this.#droppedHere,
        droppedThere: this.#droppedThere,
      },
    });
  }

  /** Ends what goes on here; the reader sees it after its frame. */
  #end(): void {
    this.#stopped = true;
    clearInterval(this.#statistics);
    this.#encoder?.close();
    for (const picture of this.#waiting.values()) picture.close();
    this.#waiting.clear();
  }

  #fail(message: string): void {
    if (this.#stopped) return;
    this.stop();
    this.#parts.post({ kind: 'phase', phase: 'ended', message });
  }
}
