import { parse, parsePayloads } from 'sdp-transform';
import { MaskstreamError } from '../../core/maskstream-error.ts';
import type { VideoFormat } from '../access-unit.ts';
import type { Depacketizer } from '../rtp/depacketizer.ts';
import { JpegDepacketizer } from '../rtp/jpeg-depacketizer.ts';
import { h264, hevc } from '../rtp/nal-codecs.ts';
import { NalDepacketizer } from '../rtp/nal-depacketizer.ts';

/** The video track of a camera, of those that are taken as they are. */
export type VideoTrack = {
  /** What it is set up by. */
  readonly control: string;
  readonly payloadType: number;
  /** Ticks of the media clock a second. */
  readonly clockRate: number;
  readonly container: VideoFormat['container'];
  readonly createDepacketizer: () => Depacketizer;
  /** Frames a second; null where it does not say. */
  readonly frameRate: number | null;
};

/**
 * Finds the video in a session description (RFC 8866); sound and metadata beside it stay unasked for.
 * Throws `camera-codec` where it is of another codec, `camera-refused` where there is none.
 *
 * @param base what relative addresses are relative to
 */
export function findVideoTrack(text: string, base: string): VideoTrack {
  const media = parse(text).media.filter(({ type }) => type === 'video');
  if (media.length === 0) {
    throw new MaskstreamError('camera-refused', 'expected a video track, got none');
  }
  const codecs: string[] = [];
  for (const { payloads, rtp, fmtp, control, framerate } of media) {
    const payloadType = parsePayloads(payloads ?? '')[0] ?? -1;
    const mapped = rtp.find(({ payload }) => payload === payloadType);
    // Payload type 26 is JPEG without saying so (RFC 3551).
    const codec =
      mapped?.codec.toUpperCase() ?? (payloadType === 26 ? 'JPEG' : String(payloadType));
    codecs.push(codec);
    const parameters = readParameters(fmtp.find(({ payload }) => payload === payloadType)?.config);
    const form = readForm(codec, parameters);
    if (form === null) continue;
    return {
      ...form,
      control: resolveControl(control, base),
      payloadType,
      clockRate: mapped?.rate ?? 90_000,
      frameRate: Number(framerate) > 0 ? Number(framerate) : null,
    };
  }
  const message = `expected H264, H265 or JPEG, got ${codecs.join(', ')}`;
  throw new MaskstreamError('camera-codec', message);
}

function readForm(
  codec: string,
  parameters: ReadonlyMap<string, string>,
): Pick<VideoTrack, 'container' | 'createDepacketizer'> | null {
  const sets = (...names: string[]) =>
    names
      .flatMap((name) => (parameters.get(name) ?? '').split(','))
      .filter((set) => set !== '')
      .map((set) => Buffer.from(set, 'base64'));
  switch (codec) {
    case 'H264':
      return {
        container: 'h264-annex-b',
        createDepacketizer: () => new NalDepacketizer(h264, sets('sprop-parameter-sets')),
      };
    case 'H265':
    case 'HEVC':
      // Units out of their decoding order carry a number each, which no camera is known to do.
      if (Number(parameters.get('sprop-max-don-diff') ?? 0) > 0) return null;
      return {
        container: 'hevc-annex-b',
        createDepacketizer: () =>
          new NalDepacketizer(hevc, sets('sprop-vps', 'sprop-sps', 'sprop-pps')),
      };
    case 'JPEG':
      return { container: 'mjpeg', createDepacketizer: () => new JpegDepacketizer() };
    default:
      return null;
  }
}

function readParameters(config = ''): Map<string, string> {
  return new Map(
    config.split(';').map((field) => {
      const at = field.indexOf('=');
      return [field.slice(0, Math.max(0, at)).trim().toLowerCase(), field.slice(at + 1).trim()];
    }),
  );
}

function resolveControl(control: string | undefined, base: string): string {
  if (control === undefined || control === '*') return base;
  if (/^rtsps?:/i.test(control)) return control;
  // Joined, not resolved: cameras put a query before it.
  return `${base.endsWith('/') ? base : `${base}/`}${control}`;
}
