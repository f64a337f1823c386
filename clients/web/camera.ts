import type { Size } from '../../src/frame/geometry.ts';

/** Frames of a camera, to be transferred to a worker and read there. */
export type CameraFrames = {
  /** Or a port, for `framesOfPort`. */
  readonly frames: ReadableStream<VideoFrame> | MessagePort;
  readonly size: Size;
  readonly stop: () => void;
};

/** Not in TypeScript's DOM library yet: https://w3c.github.io/mediacapture-transform/ */
declare const MediaStreamTrackProcessor:
  | (new (init: { track: MediaStreamTrack; maxBufferSize?: number }) => {
      readonly readable: ReadableStream<VideoFrame>;
    })
  | undefined;

const wanted = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 30, max: 30 } };

/** Opens the browser's camera. Rejects with what the user can do about it. */
export async function openCamera(): Promise<CameraFrames> {
  if (navigator.mediaDevices === undefined) {
    throw new Error(
      'A camera needs https or this very machine: open the page as http://127.0.0.1.',
    );
  }
  let media: MediaStream;
  try {
    media = await navigator.mediaDevices.getUserMedia({ video: wanted });
  } catch (error) {
    throw new Error(cameraProblem(error), { cause: error });
  }
  const [track] = media.getVideoTracks();
  if (track === undefined) throw new Error('The camera gives no video.');
  const { width = 640, height = 360 } = track.getSettings();
  // H.264 with 4:2:0 has even sides only.
  const size = { width: width & ~1, height: height & ~1 };
  if (typeof MediaStreamTrackProcessor !== 'undefined') {
    const { readable } = new MediaStreamTrackProcessor({ track, maxBufferSize: 2 });
    return { frames: readable, size, stop: () => track.stop() };
  }
  return { size, ...(await framesOfVideo(media, track)) };
}

function cameraProblem(error: unknown): string {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError') {
    return 'The camera was refused. Allow it for this page in the browser, then press Camera again.';
  }
  if (name === 'NotFoundError')
    return 'No camera was found. Connect one, or choose a file or the sample.';
  if (name === 'NotReadableError')
    return 'The camera is in use by another program. Close it and try again.';
  return `The camera cannot be opened: ${error instanceof Error ? error.message : String(error)}`;
}

/**
 * Frames as a video element shows them, for browsers without track processors in the window. They go
 * over a port, since a stream of our own would send copies and leave each frame itself open.
 */
async function framesOfVideo(
  media: MediaStream,
  track: MediaStreamTrack,
): Promise<Omit<CameraFrames, 'size'>> {
  const video = document.createElement('video');
  video.srcObject = media;
  video.muted = true;
  await video.play();
  const { port1: port, port2: frames } = new MessageChannel();
  port.addEventListener('message', () => {
    video.requestVideoFrameCallback((nowMs) => {
      const frame = new VideoFrame(video, { timestamp: Math.round(nowMs * 1000) });
      port.postMessage(frame, [frame]);
    });
  });
  port.start();
  const end = () => port.postMessage(null);
  track.addEventListener('ended', end);
  const stop = () => {
    track.stop();
    end();
    video.srcObject = null;
  };
  return { frames, stop };
}
