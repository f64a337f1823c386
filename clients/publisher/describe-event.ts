import type { PublishEvent } from './publish-options.ts';

/** One line for whoever watches; null for what needs none. */
export function describeEvent(event: PublishEvent): string | null {
  switch (event.kind) {
    case 'camera-connected':
      return `${event.format.container} at ${event.format.frameRate} frames a second`;
    case 'camera-lost':
      return `${event.reason.message}; trying again in ${Math.round(event.pauseMs)} ms`;
    case 'encoded':
      return `${event.codec} is encoded anew, as H.264 by ${event.encoder}: the server is sent H.264, H.265 and MJPEG as they are`;
    case 'packets-lost':
      return 'packets were lost: going on at the next random access point';
    case 'pictures-dropped':
      return `${event.count} pictures were left out while the server was slow or away`;
    case 'stream-begun':
      return `followed by ${event.model} at ${event.width}x${event.height}`;
    case 'server-lost':
      return `${event.reason.message}; trying again in ${Math.round(event.pauseMs)} ms`;
    case 'resumed': {
      const lost = event.gapFrames ?? 'it is not known how many';
      return `the server was lost; the stream went on after ${Math.round(event.awayMs)} ms, ${lost} frames lost`;
    }
    case 'prompt-refused':
      return `prompt of object ${event.objectId} refused: ${event.reason.message}`;
    case 'notice':
      return event.message;
    case 'stream-ended':
      return null;
  }
}
