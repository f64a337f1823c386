import { once } from 'node:events';
import { connect } from 'node:http2';
import { deflateSync, gzipSync } from 'node:zlib';
import { credentials, compressionAlgorithms } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeCocoRle } from '../../src/frame/coco-rle.ts';
import { maskFromBitmap } from '../../src/frame/mask.ts';
import { MaskEncoding, type Mask } from '../../src/gen/maskstream/v1/common.ts';
import { SegmentImageRequest } from '../../src/gen/maskstream/v1/image.ts';
import { SegmentationServiceClient } from '../../src/gen/maskstream/v1/segmentation_service.ts';
import { SegmentVideoRequest } from '../../src/gen/maskstream/v1/video_request.ts';
import { SegmentVideoResponse } from '../../src/gen/maskstream/v1/video_response.ts';
import { createServer, type MaskstreamServer } from '../../src/server/index.ts';
import {
  changedConfig,
  changedPrompt,
  configMessage,
  endMessage,
  exchange,
} from '../fixtures/raw-call.ts';
import {
  echoSession,
  infoEvent,
  scripted,
  scriptedModel,
  summaryEvent,
} from '../fixtures/scripted-session.ts';

let server: MaskstreamServer;
let client: SegmentationServiceClient;

beforeAll(async () => {
  server = createServer({ sessions: scripted(echoSession), models: [scriptedModel] });
  const port = await server.start({ host: '127.0.0.1', port: 0 });
  client = new SegmentationServiceClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
    'grpc.default_compression_algorithm': compressionAlgorithms.gzip,
  });
});

afterAll(async () => {
  client.close();
  await server.close();
});

/** A mask that is set everywhere, in some bytes of run lengths. */
function fullMask(width: number, height: number): Mask {
  const mask = { size: { width, height }, bits: new Uint8Array(0), area: 0 };
  const run = width * height;
  // A run of 0 and one of all: the text is made by hand, pixels of this size would take long.
  let rest = run;
  const text = [48];
  for (let more = true; more;) {
    const bits = rest & 0x1f;
    rest = Math.floor(rest / 32);
    more = bits & 0x10 ? rest !== -1 : rest !== 0;
    text.push((more ? bits | 0x20 : bits) + 48);
  }
  return { ...mask.size, data: { $case: 'cocoRle', value: { counts: Uint8Array.from(text) } } };
}

/** Longest time in which the event loop did not turn, in milliseconds, while `work` ran. */
async function silenceMs(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 5);
  await work();
  clearInterval(timer);
  return Math.max(longest, performance.now() - last);
}

function segmentImage(request: SegmentImageRequest): Promise<string> {
  return new Promise((resolve) => {
    client.segmentImage(request, (error) =>
      resolve(String(error?.metadata.get('maskstream-error-code')[0] ?? 'ok')),
    );
  });
}

function imageOf(masks: readonly Mask[]): SegmentImageRequest {
  const prompts = masks.map((mask, index) => ({ objectId: index + 1, mask }));
  return SegmentImageRequest.fromPartial({ image: Uint8Array.of(1), prompts });
}

describe('masks of an image', () => {
  test.each([
    [70, 12_000, 8000, 'too-many-objects'],
    [32, 12_000, 8000, 'request-too-large'],
  ])('%i of %i x %i pixels are refused before one of them is read', async (count, w, h, code) => {
    const request = imageOf(Array.from({ length: count }, () => fullMask(w, h)));
    let answer = '';
    expect(await silenceMs(async () => (answer = await segmentImage(request)))).toBeLessThan(1000);
    expect(answer).toBe(code);
  });

  test('32 of 4096 x 4096 pixels are read, and others are answered meanwhile', async () => {
    const request = imageOf(Array.from({ length: 32 }, () => fullMask(4096, 4096)));
    let answer = '';
    const silence = await silenceMs(async () => (answer = await segmentImage(request)));
    expect(answer).toBe('ok');
    expect(silence).toBeLessThan(1000);
  });
});

test('an answer that nobody reads keeps its place, and for a stated time', async () => {
  const limits = { maxStreams: 1, flushTimeoutMs: 500, minRequestBytesPerSecond: 1e6 };
  await using own = createServer({
    sessions: scripted(echoSession),
    models: [scriptedModel],
    limits,
  });
  const port = await own.start({ host: '127.0.0.1', port: 0 });
  const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } });
  const request = SegmentImageRequest.encode(imageOf([fullMask(64, 48)])).finish();
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(request.length, 1);
  const headers = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
  const path = '/maskstream.v1.SegmentationService/SegmentImage';
  const unread = session.request({ ...headers, ':path': path }, { endStream: false });
  unread.on('error', () => {});
  unread.end(Buffer.concat([prefix, request]));
  await once(unread, 'response');
  expect(own.activeStreams).toBe(1);
  await once(unread, 'close');
  expect(unread.rstCode).toBe(8);
  await expect.poll(() => own.activeStreams).toBe(0);
  session.destroy();
});

test('millions of empty outlines in some kilobytes are refused before they become objects', async () => {
  const polygons = Buffer.alloc(2 * 4_000_000);
  for (let at = 0; at < polygons.length; at += 2) polygons[at] = 0x0a;
  expect(gzipSync(polygons).length).toBeLessThan(20_000);
  const mask = { width: 8, height: 8, data: undefined };
  const request = imageOf([mask]);
  const before = process.memoryUsage().rss;
  const encoded = SegmentImageRequest.encode(request).finish();
  // prompts[0].mask.polygons, of any length: written by hand around the request's own bytes.
  const nested = wrap(3, wrap(3, wrap(6, polygons)));
  const code = await new Promise<unknown>((resolve) => {
    client.makeUnaryRequest(
      '/maskstream.v1.SegmentationService/SegmentImage',
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      Buffer.concat([encoded, nested]),
      (error) => resolve(error?.metadata.get('maskstream-error-code')[0]),
    );
  });
  expect(code).toBe('request-too-large');
  expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(150);
});

/** A length-delimited field. */
function wrap(number: number, content: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = content.length; ; rest >>>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), content]);
}

describe('a stream', () => {
  test('takes a resume of 32 objects at 4K, while others are answered', async () => {
    const objects = Array.from({ length: 32 }, (_, index) => ({
      objectId: index + 1,
      mask: fullMask(4096, 2304),
    }));
    const config = changedConfig({ resume: { objects } });
    let responses: string[] = [];
    const silence = await silenceMs(async () => {
      const collected = await exchange(client, [config, endMessage]);
      responses = collected.responses.map(({ $case }) => $case);
    });
    expect(responses).toEqual(['info', 'summary']);
    expect(silence).toBeLessThan(1000);
  });

  test('keeps a prompt that cannot be read to itself', async () => {
    const zlibBits = deflateSync(new Uint8Array(100));
    const broken = changedPrompt({
      box: undefined,
      mask: { width: 64, height: 48, data: { $case: 'bitmap', value: { zlibBits } } },
    });
    const { responses, status } = await exchange(client, [configMessage, broken, endMessage]);
    expect(responses.find(({ $case }) => $case === 'ack')).toMatchObject({
      value: { error: { code: 'invalid-prompt' } },
    });
    expect(status.code).toBe(0);
  });

  test.each([
    ['frame_index', 4],
    ['timestamp_us', 5],
  ])('keeps a prompt whose %s is beyond 2^53 to itself', async (name, field) => {
    const path = '/maskstream.v1.SegmentationService/SegmentVideo';
    const call = client.makeBidiStreamRequest(path, asItIs, (bytes) =>
      SegmentVideoResponse.decode(bytes),
    );
    const responses: SegmentVideoResponse['message'][] = [];
    call.on('data', ({ message }: SegmentVideoResponse) => responses.push(message));
    const ended = once(call, 'status');
    call.write(Buffer.from([0x0a, 4, 0x08, 4, 0x18, 1]));
    call.write(wrap(3, Buffer.concat([wrapVarint(1, 7n), wrapVarint(field, 2n ** 62n)])));
    call.end(Buffer.from(SegmentVideoRequest.encode({ message: endMessage }).finish()));
    expect(await ended).toMatchObject([{ code: 0 }]);
    const [ack] = responses.flatMap((message) => (message?.$case === 'ack' ? [message.value] : []));
    expect(ack).toMatchObject({
      requestId: 7,
      error: {
        code: 'invalid-prompt',
        message: `${name} must be within ±(2^53 - 1), got ${2n ** 62n}`,
      },
    });
  });

  test('with a request_id beyond 2^53 ends as malformed: nobody could be answered', async () => {
    const raw = wrapVarint(1, 2n ** 60n);
    const call = client.makeBidiStreamRequest(
      '/maskstream.v1.SegmentationService/SegmentVideo',
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
    );
    const ended = new Promise<unknown>((resolve) =>
      call.on('error', (error: { metadata: { get(name: string): unknown[] } }) =>
        resolve(error.metadata.get('maskstream-error-code')[0]),
      ),
    );
    call.resume();
    call.write(Buffer.from([0x0a, 4, 0x08, 4, 0x18, 1]));
    call.write(wrap(3, raw));
    expect(await ended).toBe('malformed-message');
  });
});

function asItIs(bytes: Buffer): Buffer {
  return bytes;
}

function wrapVarint(number: number, value: bigint): Buffer {
  const bytes = [number << 3];
  for (let rest = value; ; rest >>= 7n) {
    bytes.push(Number(rest > 127n ? (rest & 127n) | 128n : rest));
    if (rest <= 127n) break;
  }
  return Buffer.from(bytes);
}

test.each([
  MaskEncoding.MASK_ENCODING_PNG,
  MaskEncoding.MASK_ENCODING_BITMAP,
  MaskEncoding.MASK_ENCODING_POLYGONS,
])('answers in form %i of 12 objects at 4K leave time for others', async (maskEncoding) => {
  const size = { width: 4096, height: 2304 };
  const bitmap = new Uint8Array(size.width * size.height);
  for (let y = 100; y < 2200; y++) bitmap.fill(1, y * 4096 + 100 + (y % 7), y * 4096 + 4000);
  const mask = maskFromBitmap(bitmap, size);
  const delivered = { form: 'coco-rle', size, counts: encodeCocoRle(mask) } as const;
  await using busy = createServer({
    sessions: scripted(async function* (inputs, options) {
      yield infoEvent(options);
      for await (const input of inputs) {
        if (input.kind !== 'chunk') continue;
        const object = { label: null, state: 'visible', box: mask.box, area: mask.area } as const;
        const objects = Array.from({ length: 12 }, (_, index) => ({
          ...object,
          objectId: index + 1,
          mask: delivered,
          predictedIou: null,
          presence: null,
          confidence: 1,
        }));
        yield { kind: 'masks', result: { ...frameOf(0), objects } };
      }
      yield summaryEvent(1);
    }),
    models: [scriptedModel],
  });
  const port = await busy.start({ host: '127.0.0.1', port: 0 });
  const reader = new SegmentationServiceClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
  });
  const chunk = {
    $case: 'chunk',
    value: { data: new Uint8Array(4), randomAccess: false },
  } as const;
  let objects = 0;
  const silence = await silenceMs(async () => {
    const { responses } = await exchange(reader, [changedConfig({ maskEncoding }), chunk]);
    const masks = responses.find(({ $case }) => $case === 'masks');
    if (masks?.$case === 'masks') {
      objects = masks.value.objects.filter(({ mask: answer }) => answer !== undefined).length;
    }
  });
  reader.close();
  expect(objects).toBe(12);
  expect(silence).toBeLessThan(1000);
});

function frameOf(frameIndex: number) {
  return {
    frameIndex,
    timestampUs: 0,
    timestampSynthetic: false,
    captureTimestampUs: null,
    source: 'propagated',
    keyframeIndex: null,
    keyframeReason: null,
    framesDroppedBefore: 0,
    revision: 0,
    timings: { total: 1, queue: 0, propagate: 0, encode: 0, decode: 0, refine: 0, output: 0 },
  } as const;
}
