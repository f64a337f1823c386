import type { OpenVideoCall } from '../../core/video-call.ts';
import type { Size } from '../../../src/frame/geometry.ts';
import type { FrameMasks } from '../../../src/gen/maskstream/v1/video_response.ts';
import type { FromWorker } from '../messages.ts';
import type { Display } from './display.ts';
import { type LiveEncoder, openLiveEncoder } from './live-encoder.ts';
import { LiveTimes } from './live-times.ts';
import type { Run } from './run.ts';
import { PageVideoStream } from './video-stream.ts';

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
 * are dropped before encoding, and counted: a live picture must stay young.
 */
export async function startLiveRun(parts: LiveRunParts): Promise<Run> {
  const { frames, size, display, post } = parts;
  const waiting = new Map<number, ImageBitmap>();
  const times = new LiveTimes();
  let droppedHere = 0;
  let droppedThere = 0;
  let paused = false;
  const reader = frames.getReader();
  let stream: PageVideoStream | null = null;
  const encoder: LiveEncoder = await openLiveEncoder(
    size,
    ({ data, randomAccess, captureTimestampUs }) => {
      stream?.sendChunk(data, { randomAccess, captureTimestampUs, endsAccessUnit: true });
      times.sent(captureTimestampUs, performance.now());
    },
    (message) => post({ kind: 'problem', message }),
  );
  stream = new PageVideoStream(
    {
      open: parts.open,
      config: { container: encoder.container, delivery: 'latest', frameRate: 30, ...size },
      post,
      onInfo: (info) => {
        display.frames.most = info.retainedFrames;
        display.resize(info);
      },
      onMasks: (masks) => show(masks),
      onEnd: ({ code, message }) => {
        stop();
        const ended = code === 0 ? 'The stream has ended.' : message;
        post({ kind: 'phase', phase: 'ended', message: ended });
      },
    },
    size,
  );
  if (encoder.header.length > 0) stream.sendChunk(encoder.header);
  display.resize(size);

  const show = (masks: FrameMasks) => {
    const cameAtMs = performance.now();
    const captureUs = masks.captureTimestampUs;
    display.add(masks, captureUs === undefined ? null : pictureOf(captureUs), () => {
      if (masks.revision > 0 || captureUs === undefined) return null;
      const serverMs = (masks.timings?.totalUs ?? 0) / 1000;
      return times.answered(captureUs, { cameAtMs, drawnAtMs: performance.now(), serverMs });
    });
    if (masks.revision === 0) droppedThere += masks.framesDroppedBefore;
  };

  /** The picture of a frame; those before it were skipped. */
  const pictureOf = (captureUs: number) => {
    const picture = waiting.get(captureUs);
    if (picture === undefined) return null;
    waiting.delete(captureUs);
    for (const [earlierUs, skipped] of waiting) {
      if (earlierUs >= captureUs) break;
      skipped.close();
      waiting.delete(earlierUs);
    }
    return picture;
  };

  const statistics = setInterval(() => {
    post({
      kind: 'statistics',
      statistics: {
        ...times.statistics(performance.now()),
        drawP50Ms: display.drawMs.percentile(0.5) ?? 0,
        drawP95Ms: display.drawMs.percentile(0.95) ?? 0,
        droppedHere,
        droppedThere,
      },
    });
  }, 500);

  const take = async (frame: VideoFrame) => {
    times.captured(frame.timestamp, performance.now());
    if (paused) return;
    const isCrowded =
      (stream?.bufferedBytes ?? 0) > maxBufferedBytes || waiting.size >= maxWaitingPictures;
    if (isCrowded || !encoder.encode(frame)) droppedHere++;
    else waiting.set(Math.round(frame.timestamp), await createImageBitmap(frame));
  };
  const pump = async () => {
    for (;;) {
      const { value: frame, done } = await reader.read();
      if (done || frame === undefined) break;
      try {
        await take(frame);
      } finally {
        frame.close();
      }
    }
    stream?.end();
  };
  const stop = () => {
    clearInterval(statistics);
    void reader.cancel().catch(() => undefined);
    encoder.close();
    for (const picture of waiting.values()) picture.close();
    waiting.clear();
  };
  pump().catch((error: unknown) => {
    post({ kind: 'problem', message: `the camera stopped: ${String(error)}` });
    stop();
  });
  post({ kind: 'phase', phase: 'running', message: 'Live' });
  return {
    prompt: (requestId, prompt) => stream.prompt(requestId, prompt),
    pause: (value) => (paused = value),
    stop: () => {
      stop();
      stream.cancel();
    },
  };
}
