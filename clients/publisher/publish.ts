import type { BackOff } from '../core/resume/back-off.ts';
import type { CameraReader, VideoFormat } from './access-unit.ts';
import { deviceReader } from './local/device.ts';
import { inputKind } from './local/input-kind.ts';
import { openLocalInput } from './local/open-input.ts';
import { pipeReader } from './local/pipe-reader.ts';
import { publishCamera } from './publish-camera.ts';
import type { PublishOptions } from './publish-options.ts';
import { publishVideo } from './publish-video.ts';
import { readRtspCamera } from './rtsp/rtsp-camera.ts';

const defaultGiveUpAfterMs = 60_000;
const defaultBackOff: BackOff = { firstMs: 200, mostMs: 5_000 };

/**
 * Sends a camera, a file or a pipe to a server, as it is encoded, to its end or until `signal`. Rejects
 * where camera or server cannot be reached for `giveUpAfterMs`, or will not have it.
 */
export async function publish(options: PublishOptions): Promise<void> {
  const { input, giveUpAfterMs = defaultGiveUpAfterMs, backOff = defaultBackOff } = options;
  const signal = options.signal ?? new AbortController().signal;
  const shared = { ...options, giveUpAfterMs, backOff, signal };
  try {
    const kind = inputKind(input);
    if (kind === 'rtsp' || kind === 'device') {
      const openReader = () =>
        kind === 'rtsp' ? rtspReader(options) : deviceReader(input, options.frameRate ?? null);
      return await publishCamera({
        ...shared,
        openReader,
        delivery: deliveryOf(options, 'latest'),
      });
    }
    const delivery = deliveryOf(options, 'every-frame');
    const path = kind === 'stdin' ? '-' : input;
    const video = await openLocalInput(path, options.stdin ?? process.stdin);
    const { container } = video;
    if (video.kind === 'file' || !isPictures(container)) {
      return await publishVideo({ ...shared, video, delivery });
    }
    // Raw pictures from a pipe are those of a camera: as old as their bytes.
    video.pipe.forget();
    return await publishCamera({
      ...shared,
      delivery,
      openReader: (room) =>
        pipeReader(video.pipe, {
          container,
          frameRate: options.frameRate ?? null,
          ...(delivery === 'every-frame' ? { room } : {}),
        }),
    });
  } catch (reason) {
    if (!signal.aborted) throw reason;
  }
}

function deliveryOf({ config }: PublishOptions, usual: 'latest' | 'every-frame') {
  return config?.delivery ?? usual;
}

function rtspReader({ input, rtspTransport = 'tcp' }: PublishOptions): CameraReader {
  return (events, bounds) => readRtspCamera(input, events, { ...bounds, transport: rtspTransport });
}

function isPictures(container: string): container is VideoFormat['container'] {
  return container === 'h264-annex-b' || container === 'hevc-annex-b' || container === 'mjpeg';
}
