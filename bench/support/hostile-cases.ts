import { connect as connectTcp, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { connect } from '../../clients/typescript/index.ts';
import { MaskEncoding } from '../../src/gen/maskstream/v1/common.ts';
import { SegmentImageRequest } from '../../src/gen/maskstream/v1/image.ts';
import {
  Container,
  Delivery,
  PromptAction,
  PromptUpdate,
} from '../../src/gen/maskstream/v1/video_request.ts';
import { configOf, imageCall, type Target, videoCall } from './hostile-calls.ts';
import { brokenMessages } from './broken-messages.ts';
import { field, frame, fullRunLengths, methods, openRaw, videoMessage } from './raw-calls.ts';

/** One way to hurt a server, or to ask it for the most that it serves; resolves with what came. */
export type HostileCase = {
  readonly name: string;
  /** Words before `node` that start the server. */
  readonly launcher?: readonly string[];
  readonly run: (target: Target) => Promise<string>;
};

const size4k = { width: 4096, height: 2304 };
const count32 = Array.from({ length: 32 }, (_, index) => index);

/** The cases, hostile ones first. */
export const hostileCases: readonly HostileCase[] = [
  {
    name: '1 image with 70 full masks of 12000 x 8000',
    run: (target) => imageCall(target, imageWith(maskPrompts(70, 12_000, 8000))),
  },
  {
    name: '2 image of 11968 x 8000 with 32 boxes',
    run: (target) => imageCall(target, imageWith(boxPrompts(11_968, 8000), target.hugePng)),
  },
  {
    name: '3 LATEST, 40,000 chunks of a byte, all random access',
    run: async ({ address, limitMs }) => {
      const chunk = { data: Uint8Array.of(1), randomAccess: true, captureTimestampUs: 1 };
      const message = videoMessage({ $case: 'chunk', value: chunk });
      const config = configOf({
        container: Container.CONTAINER_H264_ANNEX_B,
        delivery: Delivery.DELIVERY_LATEST,
        frameRate: 30,
      });
      const many = Buffer.concat(Array.from({ length: 1000 }, () => message));
      return await videoCall(address, [config, ...Array.from({ length: 40 }, () => many)], limitMs);
    },
  },
  {
    name: '4 1,024 idle connections, 1,024 handles, then a stream',
    launcher: ['prlimit', '--nofile=1024:1024', '--'],
    run: async (target) => {
      const [host = '', port] = target.address.split(':');
      const sockets: Socket[] = [];
      for (let index = 0; index < 1024; index++) {
        const socket = connectTcp(Number(port), host);
        socket.on('error', () => undefined).resume();
        sockets.push(socket);
      }
      await pause(2000);
      const outcome = await honestStream(target).catch(
        (error: unknown) => `failed: ${String(error)}`,
      );
      for (const socket of sockets) socket.destroy();
      return outcome;
    },
  },
  {
    name: '5 8 streams of 3 messages of 16 million outlines in 32 kB',
    run: async ({ address, limitMs }) => {
      const polygons = Buffer.alloc(32_000_000);
      for (let at = 0; at < polygons.length; at += 2) polygons[at] = 0x0a;
      // prompt.mask.polygons
      const message = frame(gzipSync(field(3, field(8, field(6, polygons)))), { packed: true });
      const config = configOf({});
      const calls = Array.from({ length: 8 }, () =>
        videoCall(address, [config, message, message, message], limitMs, {
          headers: { 'grpc-encoding': 'gzip' },
        }),
      );
      return (await Promise.all(calls))[0] ?? '';
    },
  },
  {
    name: '6 256 prompts for frame 1e9 with full masks of 4K',
    run: async ({ address, limitMs }) => {
      const { width, height } = size4k;
      const counts = fullRunLengths(width, height);
      const prompts = Array.from({ length: 256 }, (_, index) =>
        videoMessage({
          $case: 'prompt',
          value: PromptUpdate.fromPartial({
            requestId: index + 1,
            objectId: (index % 32) + 1,
            action:
              index < 32 ? PromptAction.PROMPT_ACTION_ADD : PromptAction.PROMPT_ACTION_REPLACE,
            at: { $case: 'frameIndex', value: 1_000_000_000 },
            mask: { width, height, data: { $case: 'cocoRle', value: { counts } } },
          }),
        }),
      );
      return await videoCall(address, [configOf({}), ...prompts], Math.min(limitMs, 45_000));
    },
  },
  {
    name: '7 80 unfinished health checks of 31 MiB',
    run: async ({ address }) => {
      const part = new Uint8Array(1024 * 1024);
      using connection = openRaw(address);
      const calls = Array.from({ length: 80 }, () => connection.open(methods.health));
      const length = 31 * part.length + 1;
      for (const call of calls) call.write(frame(part, { length }));
      for (let sent = 1; sent < 31; sent++) {
        for (const call of calls) if (!call.closed) call.write(part);
        await pause(50);
      }
      await pause(3000);
      return `${calls.filter(({ closed }) => !closed).length} of 80 still open`;
    },
  },
  {
    name: '8 5 frames of 4K, 32 objects, answered as PNG',
    run: (target) => stream4k(target, MaskEncoding.MASK_ENCODING_PNG),
  },
  {
    name: '8 eight silent calls, then a stream',
    run: async (target) => {
      using connection = openRaw(target.address);
      const calls = Array.from({ length: 8 }, () => connection.open(methods.video));
      for (const call of calls) call.write(configOf({}));
      const startedMs = performance.now();
      while (performance.now() - startedMs < target.limitMs) {
        const outcome = await honestStream(target).catch(() => null);
        if (outcome !== null) {
          return `served after ${((performance.now() - startedMs) / 1000).toFixed(0)} s`;
        }
        await pause(1000);
      }
      return `not served in ${target.limitMs / 1000} s`;
    },
  },
  {
    name: '9 MP4 of 12 tracks with 18 million samples',
    run: ({ address, limitMs, sampleBomb }) => {
      const chunk = { data: sampleBomb, randomAccess: false };
      const messages = [configOf({}), videoMessage({ $case: 'chunk', value: chunk })];
      return videoCall(address, messages, limitMs, { ends: true });
    },
  },
  {
    name: '10 numbers too large, broken calls, forged log lines',
    run: brokenMessages,
  },
  {
    name: 'most: 5 frames of 4K, 32 objects, run lengths',
    run: (target) => stream4k(target, MaskEncoding.MASK_ENCODING_COCO_RLE),
  },
  {
    name: 'most: PNG of 4096 x 4096 with 32 boxes',
    run: (target) => imageCall(target, imageWith(boxPrompts(4096, 4096), target.largePng)),
  },
  {
    name: 'most: resume of 32 full masks of 4K',
    run: (target) => {
      const { width, height } = size4k;
      const counts = fullRunLengths(width, height);
      const mask = { width, height, data: { $case: 'cocoRle' as const, value: { counts } } };
      const objects = count32.map((index) => ({ objectId: index + 1, mask }));
      return stream4k(target, MaskEncoding.MASK_ENCODING_COCO_RLE, { objects });
    },
  },
];

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function imageWith(prompts: readonly object[], image: Uint8Array = Uint8Array.of(1)): Uint8Array {
  return SegmentImageRequest.encode(
    SegmentImageRequest.fromPartial({ image, prompts } as never),
  ).finish();
}

function maskPrompts(count: number, width: number, height: number): object[] {
  const mask = {
    width,
    height,
    data: { $case: 'cocoRle', value: { counts: fullRunLengths(width, height) } },
  };
  return Array.from({ length: count }, (_, index) => ({ objectId: index + 1, mask }));
}

function boxPrompts(width: number, height: number): object[] {
  const box = { x: 1, y: 1, width: width - 2, height: height - 2 };
  return count32.map((index) => ({ objectId: index + 1, box }));
}

async function stream4k(
  { address, video4k, limitMs }: Target,
  maskEncoding: MaskEncoding,
  resume?: object,
): Promise<string> {
  const form = maskEncoding === MaskEncoding.MASK_ENCODING_PNG ? 'png' : 'coco-rle';
  using client = connect(address);
  const options = { container: 'mp4', delivery: 'every-frame', maskEncoding: form } as const;
  const config = resume === undefined ? options : { ...options, resume: resume as never };
  const signal = AbortSignal.timeout(limitMs);
  const stream = client.segmentVideo(config, { signal });
  const startedMs = performance.now();
  const summary = stream.summary;
  summary.catch(() => undefined);
  const box = { x: 1, y: 1, width: size4k.width - 2, height: size4k.height - 2 };
  if (resume === undefined) {
    for (const index of count32) {
      stream.prompt({ objectId: index + 1, box, at: { frameIndex: 0 } }).catch(() => undefined);
    }
  }
  const send = async () => {
    for (let at = 0; at < video4k.length; at += 65_536) {
      await stream.sendChunk(video4k.subarray(at, at + 65_536));
    }
    stream.end();
  };
  const receive = async () => {
    for await (const result of stream) void result;
  };
  try {
    await Promise.all([send(), receive()]);
    const { framesOut } = await summary;
    return `${framesOut} frames in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
  } catch (error) {
    return `failed: ${String(error)}`;
  }
}

/** A stream of a few frames of 4K, as anybody's. */
async function honestStream(target: Target): Promise<string> {
  using client = connect(target.address);
  const options = { signal: AbortSignal.timeout(20_000) };
  const stream = client.segmentVideo({ container: 'mp4', delivery: 'every-frame' }, options);
  const summary = stream.summary;
  summary.catch(() => undefined);
  const send = async () => {
    for (let at = 0; at < target.video4k.length; at += 65_536) {
      await stream.sendChunk(target.video4k.subarray(at, at + 65_536));
    }
    stream.end();
  };
  const receive = async () => {
    for await (const result of stream) void result;
  };
  await Promise.all([send(), receive()]);
  return `${(await summary).framesOut} frames`;
}
