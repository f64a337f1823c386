import type { ClientHttp2Stream } from 'node:http2';
import { Container, Delivery, StreamConfig } from '../../src/gen/maskstream/v1/video_request.ts';
import { methods, openRaw, type RawConnection, videoMessage } from './raw-calls.ts';

/** What a neighbour has to work with. */
type Means = {
  readonly address: string;
  /** A video as fragmented MP4, one piece a frame. */
  readonly pieces: readonly Buffer[];
};

/** A client that behaves badly until it is stopped. */
export type BadNeighbour = {
  readonly name: string;
  readonly start: (means: Means) => Promise<() => void> | (() => void);
};

const idleStreams = 500;
const streamsPerConnection = 50;

/** Clients that take as much as they can of a server. */
export const badNeighbours: readonly BadNeighbour[] = [
  {
    name: 'a reader that stops, EVERY_FRAME',
    start: (means) => send(means, { delivery: Delivery.DELIVERY_EVERY_FRAME, reads: false }),
  },
  {
    name: 'a writer that floods, LATEST',
    start: (means) => send(means, { delivery: Delivery.DELIVERY_LATEST }),
  },
  {
    name: 'chunks of 1 MB, EVERY_FRAME',
    start: (means) => send(means, { chunkBytes: 2 ** 20 }),
  },
  {
    name: 'chunks of 1 byte, EVERY_FRAME',
    start: (means) => send(means, { chunkBytes: 1 }),
  },
  { name: `${idleStreams} idle streams`, start: idle },
];

type Manner = {
  readonly delivery?: Delivery;
  readonly reads?: boolean;
  /** Default: a piece a chunk. */
  readonly chunkBytes?: number;
};

/** Sends the video as fast as it is taken. */
function send({ address, pieces }: Means, manner: Manner): () => void {
  const { delivery = Delivery.DELIVERY_EVERY_FRAME, reads = true, chunkBytes } = manner;
  const connection = openRaw(address);
  const stream = begin(connection, delivery);
  if (!reads) stream.pause();
  let stopped = false;
  const all = chunkBytes === undefined ? pieces : cut(Buffer.concat(pieces), chunkBytes);
  void (async () => {
    for (const data of all) {
      if (stopped || stream.closed) return;
      const chunk = { data, endsAccessUnit: false, randomAccess: false };
      if (stream.write(videoMessage({ $case: 'chunk', value: chunk }))) continue;
      await new Promise<void>((resolve) => {
        const go = () => {
          stream.off('drain', go).off('close', go);
          resolve();
        };
        stream.on('drain', go).on('close', go);
      });
    }
  })();
  return () => {
    stopped = true;
    connection[Symbol.dispose]();
  };
}

function* cut(bytes: Buffer, length: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** Opens streams and says nothing more. */
async function idle({ address }: Means): Promise<() => void> {
  const connections: RawConnection[] = [];
  const answered: Promise<unknown>[] = [];
  for (let i = 0; i < idleStreams; i++) {
    if (i % streamsPerConnection === 0) connections.push(openRaw(address));
    const stream = begin(connections.at(-1)!, Delivery.DELIVERY_LATEST);
    answered.push(new Promise((resolve) => stream.once('ready', resolve)));
  }
  await Promise.all(answered);
  return () => {
    for (const connection of connections) connection[Symbol.dispose]();
  };
}

function begin(connection: RawConnection, delivery: Delivery): ClientHttp2Stream {
  const stream = connection.open(methods.video);
  const value = StreamConfig.fromPartial({ container: Container.CONTAINER_MP4, delivery });
  stream.write(videoMessage({ $case: 'config', value }));
  return stream;
}
