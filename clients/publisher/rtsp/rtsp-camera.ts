import { MaskstreamError } from '../../core/maskstream-error.ts';
import { deferred } from '../../typescript/deferred.ts';
import type { CameraReaderEvents, CameraUnit } from '../access-unit.ts';
import { PictureAssembler } from '../rtp/picture-assembler.ts';
import { readRtpPacket } from '../rtp/rtp-packet.ts';
import { SenderClock } from '../rtp/sender-clock.ts';
import {
  dataChannel,
  interleaved,
  type MediaTransport,
  openUdp,
  reportChannel,
} from './media-transport.ts';
import { readRtspUrl, RtspConnection, type RtspResponse } from './rtsp-connection.ts';
import { findVideoTrack, type VideoTrack } from './session-description.ts';

/** Bounds of reading; everything has a default. */
export type RtspCameraOptions = {
  /** A camera that sends no picture for so long is lost. Default: 10 000. */
  readonly silenceMs?: number;
  /** Over the connection, in order and through every firewall that lets RTSP pass, or by UDP. Default: tcp. */
  readonly transport?: 'tcp' | 'udp';
  readonly signal: AbortSignal;
};

const defaultSilenceMs = 10_000;

/** RFC 2326, 12.37: what a session without a timeout of its own has. */
const defaultSessionSeconds = 60;

/**
 * Reads a camera until it is lost, or `signal` says so: always ends by throwing `camera-unreachable`,
 * `camera-lost`, `camera-refused` or `camera-codec`.
 */
export async function readRtspCamera(
  url: string,
  events: CameraReaderEvents,
  { silenceMs = defaultSilenceMs, transport = 'tcp', signal }: RtspCameraOptions,
): Promise<never> {
  const address = readRtspUrl(url);
  const over = deferred<never>();
  const abort = () => over.reject(new MaskstreamError('cancelled', 'the camera was left'));
  signal.addEventListener('abort', abort, { once: true });
  const fail = (reason: unknown) => over.reject(reason);
  let receive: ((channel: number, bytes: Buffer) => void) | null = null;
  const onData = (channel: number, bytes: Buffer) => receive?.(channel, bytes);
  const connection = await RtspConnection.open(address, { onData, onClose: fail }, signal);
  let media: MediaTransport = interleaved;
  let timers: NodeJS.Timeout[] = [];
  try {
    const described = await connection.request('DESCRIBE', address.url, {
      Accept: 'application/sdp',
    });
    const track = findVideoTrack(described.body, baseOf(described, address.url));
    if (transport === 'udp') media = await openUdp(connection.peer, onData);
    const set = await connection.request('SETUP', track.control, { Transport: media.header });
    media.begin(set.headers.get('transport')?.[0] ?? '');
    const session = readSession(set);
    events.onTrack(track);
    const silence = setTimeout(() => {
      const hint = transport === 'udp' ? '; where a firewall lets no UDP through, TCP may' : '';
      const message = `the camera was lost: no picture for ${silenceMs / 1000} s${hint}`;
      over.reject(new MaskstreamError('camera-lost', message));
    }, silenceMs);
    timers = [silence];
    const onUnit = (unit: CameraUnit) => {
      silence.refresh();
      events.onUnit(unit);
    };
    receive = receiver(track, { ...events, onUnit }, () =>
      over.reject(new MaskstreamError('camera-lost', 'the camera said goodbye')),
    );
    const headers = { Session: session.id };
    const played = await connection.request('PLAY', address.url, {
      ...headers,
      Range: 'npt=0.000-',
    });
    const method = await aliveMethod(connection, address.url, played);
    // Well within the time after which the camera would end the session.
    const keepAlive = () => {
      media.greet();
      void connection.request(method, address.url, headers).catch(fail);
    };
    timers.push(setInterval(keepAlive, (session.timeoutSeconds * 1000) / 2.5));
    return await over.promise;
  } finally {
    signal.removeEventListener('abort', abort);
    for (const timer of timers) clearTimeout(timer);
    media[Symbol.dispose]();
    connection[Symbol.dispose]();
  }
}

/** From packets to pictures with their times. */
function receiver(track: VideoTrack, events: CameraReaderEvents, onGoodbye: () => void) {
  const { clockRate, payloadType } = track;
  const clock = new SenderClock(clockRate);
  let last: { readonly rtpTimestamp: number; readonly ticks: number } | null = null;
  const assembler = new PictureAssembler(track.createDepacketizer(), {
    onLoss: events.onLoss,
    onPicture: ({ bytes, randomAccess, rtpTimestamp }) => {
      const ticks: number =
        last === null ? 0 : last.ticks + ((rtpTimestamp - last.rtpTimestamp) | 0);
      last = { rtpTimestamp, ticks };
      events.onUnit({
        bytes,
        randomAccess,
        capturedAtUs: clock.wallUs(rtpTimestamp),
        arrivedAtUs: Date.now() * 1000,
        mediaUs: Math.round((ticks * 1_000_000) / clockRate),
      });
    },
  });
  return (channel: number, bytes: Buffer) => {
    if (channel === reportChannel) {
      if (clock.take(bytes).left) onGoodbye();
      return;
    }
    const packet = channel === dataChannel ? readRtpPacket(bytes) : null;
    if (packet?.payloadType === payloadType) assembler.push(packet);
  };
}

function baseOf({ headers }: RtspResponse, url: string): string {
  return headers.get('content-base')?.[0] ?? headers.get('content-location')?.[0] ?? url;
}

function readSession({ headers }: RtspResponse): { id: string; timeoutSeconds: number } {
  const [id = '', ...fields] = (headers.get('session')?.[0] ?? '').split(';');
  const timeout = fields.map((field) => /^\s*timeout=(\d+)/i.exec(field)?.[1]).find(Boolean);
  return { id: id.trim(), timeoutSeconds: Math.max(1, Number(timeout ?? defaultSessionSeconds)) };
}

/** GET_PARAMETER is meant for it; some cameras know OPTIONS only. */
async function aliveMethod(
  connection: RtspConnection,
  url: string,
  played: RtspResponse,
): Promise<string> {
  const known = played.headers.has('public') ? played : await connection.request('OPTIONS', url);
  return /GET_PARAMETER/i.test(known.headers.get('public')?.join() ?? '')
    ? 'GET_PARAMETER'
    : 'OPTIONS';
}
