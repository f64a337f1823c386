/**
 * Frames that come over a port one by one, each when it was asked for; null says that there are no
 * more. Whoever reads a frame closes it; one that comes too late is closed here.
 */
export function framesOfPort(port: MessagePort): ReadableStream<VideoFrame> {
  let isOver = false;
  return new ReadableStream<VideoFrame>(
    {
      start(controller) {
        port.addEventListener('message', ({ data: frame }: MessageEvent<VideoFrame | null>) => {
          if (isOver) frame?.close();
          else if (frame !== null) controller.enqueue(frame);
          else {
            isOver = true;
            controller.close();
          }
        });
        port.start();
      },
      pull: () => port.postMessage('next'),
      cancel: () => void (isOver = true),
    },
    // Asked for when somebody waits for it: nothing is queued that nobody might read.
    { highWaterMark: 0 },
  );
}
