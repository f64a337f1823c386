import { gzipSync } from 'node:zlib';
import { connect as connectTcp } from 'node:net';
import { connect } from '../../clients/typescript/index.ts';
import { SegmentImageRequest } from '../../src/gen/maskstream/v1/image.ts';
import type { Container } from '../../src/frame/container.ts';
import { field, frame, fullRunLengths, methods, openRaw, over } from './raw-calls.ts';
import type { CameraClip } from './camera-clip.ts';
import type { FuzzClip } from './fuzz/corpus.ts';
import { mutate, oneOf, type Random } from './fuzz/mutate.ts';

/** What the conversations of a mixed load are made from. */
export type MixedLoad = {
  readonly address: string;
  readonly clip: CameraClip;
  /** The clip in fragments, and a picture. */
  readonly video: Uint8Array;
  readonly picture: Uint8Array;
  /** A short video of every container. */
  readonly corpus: readonly FuzzClip[];
  readonly random: Random;
};

/** Bytes of the clip that a stream sends: about a second of it. */
const streamBytes = 150_000;
const chunkBytes = 16 * 1024;
/** Longest that a hostile call is waited for. */
const patienceMs = 5000;

/** Never half-closed: given up after a moment. */
const unfinished = { ends: false } as const;

type Conversation = (load: MixedLoad) => Promise<void>;

/**
 * Conversations of a day, good and bad, one line each: about as many of either. Each opens its own
 * connection and is over when it returns.
 */
export const conversations: Readonly<Record<string, Conversation>> = {
  stream: (load) => stream(load, { delivery: 'every-frame' }),
  'live stream': (load) => stream(load, { delivery: 'latest' }),
  'stream as PNG': (load) => stream(load, { delivery: 'every-frame', maskEncoding: 'png' }),
  'stream with corrections': (load) => stream(load, { delivery: 'every-frame' }, true),
  image: async ({ address, picture, clip }) => {
    using client = connect(address);
    const prompts = clip.boxes.map((box, index) => ({ objectId: index + 1, box }));
    await client.segmentImage({ image: picture, prompts });
  },
  'stream that is cancelled': async ({ address, video }) => {
    using client = connect(address);
    const call = client.segmentVideo({ container: 'mp4', delivery: 'every-frame' });
    const summary = call.summary.catch(() => undefined);
    await call.sendChunk(video.subarray(0, 100_000));
    const first = call[Symbol.asyncIterator]();
    await first.next();
    await first.next();
    call.cancel();
    await summary;
  },
  'bytes that are no video': async ({ address }) => {
    using client = connect(address);
    const call = client.segmentVideo({ container: 'matroska', delivery: 'latest' });
    const summary = call.summary.catch(() => undefined);
    await call.sendChunk(new Uint8Array(50_000).fill(7)).catch(() => undefined);
    call.end();
    await summary;
  },
  'video of another container': (load) =>
    stream(load, { delivery: 'every-frame', container: 'mpeg-ts' }).catch(() => undefined),
  'stream of any container': async ({ address, corpus, random }) => {
    const { container, bytes } = oneOf(random, corpus);
    await wholeVideo(address, container, bytes);
  },
  'damaged video of any container': async ({ address, corpus, random }) => {
    const { container, bytes } = oneOf(random, corpus);
    await wholeVideo(address, container, mutate(bytes, random)).catch((reason: unknown) => {
      const { code } = reason as { readonly code?: unknown };
      // Codes that blame the server are a fault whatever came.
      if (code === 'internal' || code === 'decoder-failed' || code === 'worker-died') throw reason;
    });
  },
  'masks that are too large': ({ address }) => {
    const counts = fullRunLengths(12_000, 8000);
    const mask = { width: 12_000, height: 8000, data: { $case: 'cocoRle', value: { counts } } };
    const prompts = Array.from({ length: 32 }, (_, index) => ({ objectId: index + 1, mask }));
    const request = SegmentImageRequest.fromPartial({ prompts } as never);
    return raw(address, methods.image, frame(SegmentImageRequest.encode(request).finish()));
  },
  'outlines without end': ({ address }) => {
    const polygons = new Uint8Array(2_000_000).map((_, at) => (at % 2 === 0 ? 0x0a : 0));
    const bytes = field(3, field(3, field(6, polygons)));
    const headers = { 'grpc-encoding': 'gzip' };
    return raw(address, methods.image, frame(gzipSync(bytes), { packed: true }), { headers });
  },
  'a request that never comes': ({ address }) =>
    raw(address, methods.image, frame(new Uint8Array(500_000), { length: 8_000_000 }), unfinished),
  'a large health check': ({ address }) =>
    raw(address, methods.health, frame(new Uint8Array(1000), { length: 1_000_000 }), unfinished),
  'no protobuf': ({ address }) =>
    raw(address, methods.video, frame(Buffer.from('this is no message'))),
  'a connection that says nothing': async ({ address }) => {
    const [host, port] = address.split(':');
    const socket = connectTcp(Number(port), host);
    socket.on('error', () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 300));
    socket.destroy();
  },
};

/** A box on the first frame, and every answer taken. */
async function wholeVideo(address: string, container: Container, bytes: Uint8Array): Promise<void> {
  using client = connect(address, { resume: false });
  const frameRate = 24;
  const call = client.segmentVideo({ container, frameRate, delivery: 'every-frame' });
  const { summary } = call;
  summary.catch(() => undefined);
  const box = { x: 20, y: 20, width: 60, height: 50 };
  void call.prompt({ objectId: 1, box, at: { frameIndex: 0 } }).catch(() => undefined);
  const sending = call.sendVideo(chunks(bytes)).catch(() => undefined);
  for await (const _ of call);
  await sending;
  await summary;
}

async function stream(
  { address, clip, video }: MixedLoad,
  how: {
    readonly delivery: 'every-frame' | 'latest';
    readonly maskEncoding?: 'png';
    readonly container?: 'mp4' | 'mpeg-ts';
  },
  corrects = false,
): Promise<void> {
  using client = connect(address);
  const call = client.segmentVideo({ container: 'mp4', ...how });
  const summary = call.summary;
  summary.catch(() => undefined);
  const asked = clip.boxes.map((box, index) =>
    call.prompt({ objectId: index + 1, box, at: { frameIndex: 0 } }),
  );
  const answers: Promise<unknown>[] = asked.map((answer) => answer.catch(() => undefined));
  const receive = async () => {
    for await (const result of call) {
      if (!corrects || result.kind !== 'masks') continue;
      const { frameIndex, revision } = result.masks;
      if (frameIndex % 20 !== 19 || revision !== 0) continue;
      const [box] = clip.boxes;
      if (box === undefined) continue;
      const at = { frameIndex: frameIndex - 5 };
      answers.push(call.prompt({ objectId: 1, action: 'replace', box, at }).catch(() => undefined));
    }
  };
  const send = async () => {
    await call.sendVideo(chunks(video));
  };
  await Promise.all([send().catch(() => undefined), receive()]);
  await Promise.all(answers);
  await summary;
}

// eslint-disable-next-line typescript/require-await -- what a file would give
async function* chunks(video: Uint8Array): AsyncGenerator<Uint8Array> {
  const end = Math.min(streamBytes, video.length);
  for (let at = 0; at < end; at += chunkBytes) yield video.subarray(at, at + chunkBytes);
}

type RawOptions = {
  readonly headers?: Readonly<Record<string, string>>;
  /** Half-closes, and waits for the end. */
  readonly ends?: boolean;
};

async function raw(
  address: string,
  path: string,
  message: Uint8Array,
  { headers = {}, ends = true }: RawOptions = {},
): Promise<void> {
  using connection = openRaw(address);
  const call = connection.open(path, headers);
  if (ends) call.end(message);
  else call.write(message);
  await over(call, ends ? patienceMs : 500);
}
