import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { SegmentVideoRequest } from '../../src/gen/maskstream/v1/video_request.ts';

/** Paths of the methods that are tried below gRPC. */
export const methods = {
  video: '/maskstream.v1.SegmentationService/SegmentVideo',
  image: '/maskstream.v1.SegmentationService/SegmentImage',
  health: '/grpc.health.v1.Health/Check',
} as const;

/** A connection below gRPC, for what no gRPC client does. */
export type RawConnection = Disposable & {
  /** Opens a call that is not half-closed. */
  open(path: string, headers?: Readonly<Record<string, string>>): ClientHttp2Stream;
};

/** @param address `host:port` */
export function openRaw(address: string): RawConnection {
  const session: ClientHttp2Session = connect(`http://${address}`);
  session.on('error', () => undefined);
  return {
    open: (path, headers = {}) => {
      const grpc = { 'content-type': 'application/grpc', te: 'trailers' };
      const options = { ':method': 'POST', ':path': path, ...grpc, ...headers };
      const stream = session.request(options, { endStream: false });
      stream.on('error', () => undefined);
      stream.resume();
      return stream;
    },
    [Symbol.dispose]: () => session.destroy(),
  };
}

/** Resolves when a call is over, at the latest after `timeoutMs`. */
export function over(stream: ClientHttp2Stream, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    stream.once('close', done);
    if (stream.closed) done();
  });
}

/** One gRPC message; `length` may be a lie. */
export function frame(
  content: Uint8Array,
  { length = content.length, packed = false }: { length?: number; packed?: boolean } = {},
): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = packed ? 1 : 0;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, content]);
}

/** One request of a stream. */
export function videoMessage(message: NonNullable<SegmentVideoRequest['message']>): Buffer {
  return frame(SegmentVideoRequest.encode({ message }).finish());
}

/** A length-delimited protobuf field. */
export function field(number: number, content: Uint8Array): Buffer {
  const length: number[] = [];
  for (let rest = content.length; ; rest >>>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), content]);
}

/** Run lengths of a mask that is set everywhere. */
export function fullRunLengths(width: number, height: number): Uint8Array {
  const text = [48];
  for (let rest = width * height, more = true; more;) {
    const bits = rest & 0x1f;
    rest = Math.floor(rest / 32);
    more = bits & 0x10 ? rest !== -1 : rest !== 0;
    text.push((more ? bits | 0x20 : bits) + 48);
  }
  return Uint8Array.from(text);
}
