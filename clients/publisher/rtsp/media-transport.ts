import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { MaskstreamError } from '../../core/maskstream-error.ts';
import { ReorderBuffer } from '../rtp/reorder-buffer.ts';

/** Data and reports of the video, in this order (RFC 2326, 10.12). */
export const [dataChannel, reportChannel] = [0, 1];

/** How media of a camera come here. */
export type MediaTransport = Disposable & {
  /** What a SETUP asks for. */
  readonly header: string;
  /** Takes what the camera answered. Throws `camera-refused` where it is another way. */
  begin(answered: string): void;
  /** Says that somebody is here, to the camera and what stands between. */
  greet(): void;
};

/** Over the connection itself. */
export const interleaved: MediaTransport = {
  header: `RTP/AVP/TCP;unicast;interleaved=${dataChannel}-${reportChannel}`,
  begin: () => undefined,
  greet: () => undefined,
  [Symbol.dispose]: () => undefined,
};

/** A burst of packets of one large picture must find room while this process does something else. */
const receiveBufferBytes = 4 * 1024 * 1024;

/** Ports that are tried: data have an even one, reports the next (RFC 3550, 11). */
const maxAttempts = 20;

/** A receiver report of nothing (RFC 3550, 6.4.2), and a packet of nothing. */
const emptyReport = Buffer.from([0x80, 201, 0, 1, 0, 0, 0, 1]);
const emptyPacket = Buffer.from([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

/**
 * As packets by themselves (UDP), put in order.
 *
 * @param peer address of the camera: packets from elsewhere are ignored
 * @param onData as that of the connection
 */
export async function openUdp(
  peer: string,
  onData: (channel: number, bytes: Buffer) => void,
): Promise<MediaTransport> {
  const [data, reports] = await bindPair(isIPv6(peer) ? 'udp6' : 'udp4');
  const order = new ReorderBuffer((packet) => onData(dataChannel, packet));
  const mine = (from: { address: string }) => from.address.replace(/%.*$/, '') === peer;
  data.on('message', (bytes, from) => {
    if (mine(from)) order.push(bytes, performance.now());
  });
  reports.on('message', (bytes, from) => {
    if (mine(from)) onData(reportChannel, bytes);
  });
  // Refused by the camera's host: its silence says more.
  for (const socket of [data, reports]) socket.on('error', () => undefined);
  let ports: readonly [number, number] | null = null;
  const greet = () => {
    if (ports === null) return;
    data.send(emptyPacket, ports[0], peer);
    reports.send(emptyReport, ports[1], peer);
  };
  return {
    greet,
    header: `RTP/AVP;unicast;client_port=${data.address().port}-${reports.address().port}`,
    begin(answered) {
      if (/RTP\/AVP\/TCP|interleaved=/i.test(answered)) {
        const message = `expected media over UDP, the camera answered "${answered}"`;
        throw new MaskstreamError('camera-refused', message);
      }
      const [, first, second] = /server_port=(\d+)(?:-(\d+))?/i.exec(answered) ?? [];
      ports = first === undefined ? null : [Number(first), Number(second ?? Number(first) + 1)];
      greet();
    },
    [Symbol.dispose]() {
      data.close();
      reports.close();
    },
  };
}

async function bindPair(type: 'udp4' | 'udp6'): Promise<[Socket, Socket]> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const data = await bind(type, 0);
    const port = data?.address().port ?? 1;
    const reports = port % 2 === 0 ? await bind(type, port + 1) : null;
    if (data !== null && reports !== null) return [data, reports];
    data?.close();
  }
  throw new MaskstreamError('camera-unreachable', 'expected two free UDP ports in a row, got none');
}

async function bind(type: 'udp4' | 'udp6', port: number): Promise<Socket | null> {
  const socket = createSocket({ type, recvBufferSize: receiveBufferBytes });
  try {
    const listening = once(socket, 'listening');
    socket.bind(port);
    await listening;
    return socket;
  } catch {
    socket.close();
    return null;
  }
}
