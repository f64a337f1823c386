import type { ContainerName } from '../../core/requests.ts';
import type { Size } from '../../../src/frame/geometry.ts';

/** One coded frame, ready to be sent. */
export type CodedFrame = {
  readonly data: Uint8Array;
  readonly randomAccess: boolean;
  /** `VideoFrame.timestamp` of its picture, in microseconds. */
  readonly captureTimestampUs: number;
};

/** Encodes a live picture; drops, and says so, where the encoder falls behind. */
export type LiveEncoder = {
  readonly container: ContainerName;
  /** Bytes before the first frame; empty where the container needs none. */
  readonly header: Uint8Array;
  /** Encodes a frame, which stays the caller's; false where it was dropped instead. */
  encode(frame: VideoFrame): boolean;
  /** Resolves when all that it took was handed over. */
  flush(): Promise<void>;
  close(): void;
};

/** Frames between random-access points: what is sent again after a lost connection. */
const randomAccessInterval = 60;

/** Frames that may wait in the encoder: nothing else holds it back. */
const maxQueuedFrames = 2;

const framesPerSecond = 30;

/** Bits a pixel and second of 0.13: 3 Mbit/s at 1280 x 720, as a camera sends. */
const bitsPerPixel = 3.3;

/**
 * Opens an encoder for pictures of one size: H.264 in Annex B, which costs least and needs no
 * container, else VP8 in IVF. Throws where this browser encodes neither; after a failure, which is told
 * once, nothing is encoded any more.
 */
export async function openLiveEncoder(
  size: Size,
  onFrame: (frame: CodedFrame) => void,
  onFailure: (message: string) => void,
): Promise<LiveEncoder> {
  const { width, height } = size;
  const common = {
    width,
    height,
    framerate: framesPerSecond,
    bitrate: Math.round(width * height * bitsPerPixel),
    latencyMode: 'realtime',
  } as const;
  const h264 = { ...common, codec: h264Codec(size), avc: { format: 'annexb' } } as const;
  const vp8 = { ...common, codec: 'vp8' } as const;
  const config = (await isSupported(h264)) ? h264 : (await isSupported(vp8)) ? vp8 : null;
  if (config === null) throw new Error('this browser encodes neither H.264 nor VP8');
  const asIvf = config.codec === 'vp8';
  let firstUs: number | null = null;
  const encoder = new VideoEncoder({
    output: (chunk) => {
      const bytes = new Uint8Array(chunk.byteLength);
      chunk.copyTo(bytes);
      firstUs ??= chunk.timestamp;
      onFrame({
        data: asIvf ? ivfFrame(bytes, (chunk.timestamp - firstUs) / 1000) : bytes,
        randomAccess: chunk.type === 'key',
        captureTimestampUs: Math.round(chunk.timestamp),
      });
    },
    error: (error) => onFailure(`the browser's encoder failed: ${error.message}`),
  });
  encoder.configure(config);
  let encoded = 0;
  return {
    container: asIvf ? 'ivf' : 'h264-annex-b',
    header: asIvf ? ivfHeader(size) : new Uint8Array(),
    encode(frame) {
      if (encoder.state !== 'configured' || encoder.encodeQueueSize >= maxQueuedFrames)
        return false;
      encoder.encode(frame, { keyFrame: encoded % randomAccessInterval === 0 });
      encoded++;
      return true;
    },
    flush: () => encoder.flush(),
    close() {
      if (encoder.state !== 'closed') encoder.close();
    },
  };
}

async function isSupported(config: VideoEncoderConfig): Promise<boolean> {
  if (typeof VideoEncoder === 'undefined') return false;
  const { supported } = await VideoEncoder.isConfigSupported(config).catch(() => ({
    supported: false,
  }));
  return supported === true;
}

/** Constrained baseline, which has no B-frames, at the level that the size needs (H.264, A.3). */
function h264Codec({ width, height }: Size): string {
  const macroblocks = Math.ceil(width / 16) * Math.ceil(height / 16);
  if (macroblocks <= 1620) return 'avc1.42E01E';
  return macroblocks <= 3600 ? 'avc1.42E01F' : 'avc1.42E028';
}

/** IVF's file header: VP8, times in milliseconds. */
function ivfHeader({ width, height }: Size): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode('DKIF'));
  view.setUint16(6, 32, true);
  bytes.set(new TextEncoder().encode('VP80'), 8);
  view.setUint16(12, width, true);
  view.setUint16(14, height, true);
  view.setUint32(16, 1000, true);
  view.setUint32(20, 1, true);
  return bytes;
}

function ivfFrame(data: Uint8Array, timeMs: number): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length, true);
  view.setBigUint64(4, BigInt(Math.round(timeMs)), true);
  bytes.set(data, 12);
  return bytes;
}
